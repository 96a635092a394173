"""Play every player of every page of a built site: ``make play``, or with names of pages behind it.

Each page is opened from the disk, as from a USB stick. What it loads before anything is played is
counted; each player is started and must sound; each slider made of states is moved to its ends.
"""

import re
import sys
import time
from pathlib import Path

import browser
from browser import SoundPlayer, Watched

#: What a page may load before something is played, in bytes.
MOST_BYTES = 3e6
#: Waits until a player runs; then tells the level of what it sends out.
LISTEN = """async (root) => {
  const p = root.player, end = Date.now() + 8000;
  while (!(p.state.playing && p.state.position > 0.05) && Date.now() < end) {
    await new Promise((done) => setTimeout(done, 10));
    const trouble = root.querySelector(".lp-trouble");
    if (!trouble.hidden) return trouble.textContent;
  }
  const analyser = p.transport.context.createAnalyser(), x = new Float32Array(2048);
  analyser.fftSize = 2048;
  p.transport.master.connect(analyser);
  const until = Date.now() + 5000;
  let peak = 0;
  p.transport.setLoop(true); // on a busy machine a short sound is over before it is heard
  while (peak < 1e-4 && Date.now() < until) { // a sound may begin with silence
    await new Promise((done) => setTimeout(done, 20));
    analyser.getFloatTimeDomainData(x);
    peak = x.reduce((a, b) => Math.max(a, Math.abs(b)), peak);
  }
  p.transport.setLoop(false);
  p.transport.stop();
  return peak;
}"""


def play_page(watched, path):
    """Open a page and play all of it; return its figures and what went wrong."""
    page, sizes = watched.page, []

    def arrived(request):
        if request.url.startswith("file:"):
            file = Path(re.sub(r"^file://|[?#].*$", "", request.url))
            sizes.append(file.stat().st_size if file.is_file() else 0)

    page.on("requestfinished", arrived)
    start = time.monotonic()
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('[data-spec]:not([data-on])').length === 0")
    seconds, before = time.monotonic() - start, sum(sizes)
    problems = [] if before < MOST_BYTES else [f"{before / 1e6:.1f} MB before playing"]
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    players = page.locator(".lp:has(.lp-play)")
    count, silent = players.count(), 0
    for root in players.all():
        problem, peak = _play(root)
        problems += problem
        silent += peak == 0
    states = 0
    for host in page.locator(".lp-states").all():
        states += 1
        problems += _move(host)
    problems += watched.errors + watched.offsite
    watched.errors.clear()
    watched.offsite.clear()
    page.remove_listener("requestfinished", arrived)
    return {
        "seconds": seconds, "before": before, "players": count, "states": states,
        "silent": silent, "bytes": sum(sizes), "problems": problems,
    }  # fmt: skip


def _play(root):
    name = root.get_attribute("aria-label")
    root.locator(".lp-play").click()
    answer = root.evaluate(LISTEN)
    if isinstance(answer, str):
        return [f"{name}: {answer}"], 0
    chosen = root.locator(".lp-version[aria-pressed=true], .lp-step").first
    silent = chosen.count() and "silent" in chosen.inner_text()
    return ([] if answer or silent else [f"{name}: nothing is heard"]), answer


def _move(host):
    """Move every control of a slider made of states, while its player plays."""
    player = host.locator(".lp:has(.lp-play)")
    if player.count():
        SoundPlayer(host.page, root=player.first).play()
    for slider in host.locator(".lp-controls input").all():
        for end in ("max", "min"):
            slider.fill(slider.get_attribute(end))
    for button in host.locator(".lp-controls button").all():
        button.click()
    if player.count():
        answer = player.first.evaluate(LISTEN)
        return [answer] if isinstance(answer, str) else []
    pictures = host.locator("img").all()
    return [] if all(p.evaluate("(i) => i.decode().then(() => true)") for p in pictures) else ["?"]


def main(site, names):
    pages = sorted(p for p in site.glob("*.html") if not names or p.stem in names)
    failed, players, start = False, 0, time.monotonic()
    with browser.browser() as chromium:
        for path in pages:
            watched = Watched(chromium)
            found = play_page(watched, path)
            watched.close()
            failed |= bool(found["problems"])
            players += found["players"]
            print(
                f"{path.stem}: {found['players']} players ({found['silent']} silent), "
                f"{found['states']} of them with states, loaded in {found['seconds']:.1f} s; "
                f"{found['before'] / 1e6:.2f} MB before playing, {found['bytes'] / 1e6:.1f} in all",
                *found["problems"], sep="\n    ",
            )  # fmt: skip
    print(f"{len(pages)} pages, {players} players in {time.monotonic() - start:.0f} s")
    return int(failed or not players)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
