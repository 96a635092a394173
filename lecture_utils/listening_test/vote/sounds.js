// Plays the sounds of one trial, one at a time; another one goes on at the same moment.

class Sounds {
  // `path` is where the sounds are, `headers` say who listens; `changed(label)` is called when
  // another one plays.
  constructor(path, headers, changed) {
    this.path = path;
    this.headers = headers;
    this.changed = changed;
    this.players = new Map();
    this.current = null;
  }

  // Load a sound before it is asked for: a phone plays only at once after a touch.
  async load(trial, label) {
    const answer = await fetch(`${this.path}/${trial}/${label}`, { headers: this.headers });
    if (!answer.ok) throw new Error((await answer.json()).sentence);
    const player = new Audio(URL.createObjectURL(await answer.blob()));
    player.loop = true;
    this.players.set(label, player);
  }

  // Play a sound, or stop it if it plays.
  async toggle(label) {
    const before = this.players.get(this.current), player = this.players.get(label);
    const stops = this.current === label;
    before?.pause();
    this.current = stops ? null : label;
    this.changed(this.current);
    if (stops) return;
    player.currentTime = before?.currentTime ?? 0;
    try {
      await player.play();
    } catch (error) {
      if (error.name === "AbortError") return; // another one was chosen meanwhile
      this.current = null;
      this.changed(null);
      throw error;
    }
  }

  close() {
    for (const player of this.players.values()) {
      player.pause();
      URL.revokeObjectURL(player.src);
    }
    this.players.clear();
    this.current = null;
  }
}

// An element with attributes and children.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
