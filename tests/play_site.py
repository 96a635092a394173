"""Play every player of every page of a built site: ``make play``; ``--help`` tells more.

Each page is opened from the disk, as from a USB stick. In Chromium, what it loads before anything
is played is counted; axe looks at it, light and dark, wide and narrow; each model computes; each
player is started and must sound; each slider made of states is moved to its ends. Firefox and
WebKit then play the pages of `ELSEWHERE`, where they are installed.
"""

import argparse
import asyncio
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import browser
import other_browsers
from browser import SoundPlayer, Watched

from lecture_utils.setup.site import npm

#: What a page may load before something is played, in bytes.
MOST_BYTES = 3e6
#: A page each of what there is: played in every browser in CI.
ELSEWHERE = ("index", "live", "05_griffin_lim")
#: The judge of accessibility, in the version whose file was tested.
AXE = ("axe-core", "4.14.1", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745")
#: Width of the window and colours that axe sees.
VIEWS = ((1200, "light"), (1200, "dark"), (390, "light"), (390, "dark"))

#: Remembers what a reader waits for: tasks that block the page, and text that jumps.
OBSERVE = """window.waited = { longest: 0, blocked: 0, shift: 0 };
const each = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true });
each("longtask", ({ duration }) => {
  waited.longest = Math.max(waited.longest, duration);
  waited.blocked += duration - 50;
});
each("layout-shift", (e) => { if (!e.hadRecentInput) waited.shift += e.value; });"""
DRAWN = "() => new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))"
WAITED = """() => ({ ...waited,
  painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0 })"""

#: Waits until a player is heard, and stops it; says what is wrong, or nothing. It counts its looks,
#: not the time: while a busy machine stands still, the page does not look either.
LISTEN = """async (root) => {
  const p = root.player, began = performance.now();
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const trouble = root.querySelector(".lp-trouble");
  const wrong = (what) => `${root.getAttribute("aria-label")}: ${what}`;
  const plays = () => p.state.playing && p.state.position > 0.05;
  for (let look = 0, told = 0; look < 2000 && told < 200 && !plays(); look++) {
    await pause(10);
    told = trouble.hidden ? 0 : told + 1; // it goes away where an output was only slow
  }
  if (!trouble.hidden) return wrong(trouble.textContent);
  const { state } = p.transport.context, sounds = root.matches(".lp-later") ? "not there" : "there";
  if (!p.state.playing)
    return wrong(`it does not begin to play; sounds ${sounds}, output ${state}`);
  window.slowest = Math.max(window.slowest ?? 0, performance.now() - began);
  const analyser = p.transport.context.createAnalyser(), x = new Float32Array(2048);
  analyser.fftSize = 2048;
  p.transport.master.connect(analyser);
  let peak = 0;
  p.transport.setLoop(true); // on a busy machine a short sound is over before it is heard
  for (let look = 0; look < 250 && peak < 1e-4; look++) { // a sound may begin with silence
    await pause(20);
    analyser.getFloatTimeDomainData(x);
    peak = x.reduce((a, b) => Math.max(a, Math.abs(b)), peak);
  }
  p.transport.setLoop(false);
  p.transport.stop();
  const chosen = root.querySelector(".lp-version[aria-pressed=true], .lp-step");
  return peak >= 1e-4 || chosen?.textContent.includes("silent") ? "" : wrong("nothing is heard");
}"""
#: Reads the page from top to end; tells by how many pixels it has grown meanwhile. A page that
#: grows jumps under the reader's finger, who then presses something else.
READ = """async () => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const height = () => document.documentElement.scrollHeight, before = height();
  for (let y = 0; y < height(); y += 700) {
    scrollTo({ top: y, behavior: "instant" });
    await pause(40);
  }
  await pause(300);
  return height() - before;
}"""
#: More than a line: something came that had no room.
MOST_GROWTH = 30
#: Opens what is folded, and lets each model of the page compute once; tells what they say.
COMPUTE = """async () => {
  document.querySelectorAll("details").forEach((d) => { d.open = true; });
  const said = [];
  for (const host of document.querySelectorAll("[data-live]")) {
    await host.run();
    said.push(`${host.dataset.live}: ${host.querySelector("[role=status]").textContent}`);
  }
  for (const root of document.querySelectorAll(".lp:has(.lp-play)"))
    root.player.transport.setLoop(true); // a short sound is over before it is looked for
  return said;
}"""

REPORT = (
    "{}: {players} players, {states} of them with states; {requests} requests and {before:,} bytes "
    "before playing, {bytes:,} in all; first paint {painted:.0f} ms, all there {seconds:.1f} s, "
    "blocked {blocked:.0f} ms (longest task {longest:.0f}), shift {shift:.3f}; "
    "slowest start of a sound {slowest:.0f} ms"
)


def play_page(watched, path, axe=None):
    """Open a page and play all of it; return its figures and what went wrong."""
    page, sizes = watched.page, []

    def arrived(request):
        if request.url.startswith("file:"):
            file = Path(re.sub(r"^file://|[?#].*$", "", request.url))
            sizes.append(file.stat().st_size if file.is_file() else 0)

    page.on("requestfinished", arrived)
    page.add_init_script(OBSERVE)
    start = time.monotonic()
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('[data-spec]:not([data-on])').length === 0")
    found = {"seconds": time.monotonic() - start, "before": sum(sizes), "requests": len(sizes)}
    page.wait_for_timeout(200)
    found |= page.evaluate(WAITED)
    problems = []
    if found["before"] > MOST_BYTES:
        problems.append(f"{found['before'] / 1e6:.1f} MB before playing")
    found["said"] = page.evaluate(COMPUTE)
    problems += [text for text in found["said"] if "could not" in text]
    grown = page.evaluate(READ)
    if grown > MOST_GROWTH:
        problems.append(f"the page grows by {grown} pixels while it is read")
    problems += _judge(page, axe) if axe else []
    players = page.locator(".lp:has(.lp-play)").all()
    for root in players:
        root.locator(".lp-play").click()
        problems.append(root.evaluate(LISTEN))
    hosts = page.locator(".lp-states").all()
    for host in hosts:
        problems.append(_move(host))
    found["slowest"] = page.evaluate("window.slowest ?? 0")
    problems = [*filter(None, problems), *watched.errors, *watched.offsite]
    watched.errors.clear()
    watched.offsite.clear()
    page.remove_listener("requestfinished", arrived)
    return found | {
        "players": len(players), "states": len(hosts), "bytes": sum(sizes), "problems": problems,
    }  # fmt: skip


def _judge(page, axe):
    """Return what axe calls serious or critical, in each view of the page."""
    problems = []
    page.evaluate(axe)
    for width, colours in VIEWS:
        page.set_viewport_size({"width": width, "height": 1000})
        page.emulate_media(color_scheme=colours)
        page.evaluate(DRAWN)  # the page has seen its new width
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        for rule in found["violations"]:
            if rule["impact"] in ("serious", "critical"):
                places = [node["html"][:120] for node in rule["nodes"]]
                problems.append(
                    f"axe, {width} px, {colours}: {rule['id']}, {rule['impact']}, "
                    f"{len(places)} times: {places[0]}"
                )
    page.set_viewport_size({"width": VIEWS[0][0], "height": 1000})
    page.emulate_media(color_scheme="light")
    return problems


def _move(host):
    """Move every control of a slider made of states, while its player plays."""
    player = host.locator(".lp:has(.lp-play)")
    if player.count():
        sound = SoundPlayer(host.page, root=player.first)
        sound.run("p.transport.setLoop(true)")  # it goes on, however slow the machine is
        sound.play(timeout=30)
    for slider in host.locator(".lp-controls input").all():
        for end in ("max", "min"):
            slider.fill(slider.get_attribute(end))
    for button in host.locator(".lp-controls button").all():
        button.click()
    if player.count():
        return player.first.evaluate(LISTEN)
    for picture in host.locator("img").all():
        picture.evaluate("(image) => image.decode()")  # an error if it is not there
    return ""


def play(name, paths):
    """Play pages in one browser; return of each a line, its players, and what went wrong."""
    if name != "chromium":
        found = asyncio.run(other_browsers.play(name, paths, COMPUTE, LISTEN))
        return [
            (f"{path.stem}: {players} players in {name} in {seconds:.0f} s", players, problems)
            for path, (players, seconds, problems) in zip(paths, found, strict=True)
        ]
    axe, rows = (npm.fetch(*AXE) / "axe.min.js").read_text(encoding="utf-8"), []
    with browser.browser() as chromium:
        for path in paths:
            watched = Watched(chromium)
            found = play_page(watched, path, axe)
            watched.close()
            line = "\n    ".join([REPORT.format(path.stem, **found), *found["said"]])
            rows.append((line, found["players"], found["problems"]))
    return rows


def main():
    parser = argparse.ArgumentParser(prog="play_site")
    parser.add_argument("site", type=Path)
    parser.add_argument("pages", nargs="*", help="names of pages; all by default")
    parser.add_argument("--browser", choices=["chromium", *other_browsers.PROGRAMS],
                        help="this one alone, on all the pages")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=3, help="how many pages play at once")
    options = parser.parse_args()
    pages = sorted(options.site.resolve().glob("*.html"))
    pages = [page for page in pages if page.stem in (options.pages or {p.stem for p in pages})]
    tasks = []  # the longest come first, or one of them plays alone at the end
    for name in other_browsers.PROGRAMS:
        if options.browser == name:
            tasks.append((name, pages))
        elif lacking := other_browsers.missing(name):
            print(f"{name} is left out: {' and '.join(lacking)} missing here")
        elif options.browser is None:
            tasks.append((name, [page for page in pages if page.stem in ELSEWHERE]))
    if options.browser in (None, "chromium"):
        npm.fetch(*AXE)  # once, before several ask for it
        largest = sorted(pages, key=lambda page: -page.stat().st_size)
        tasks += [("chromium", [page]) for page in largest]
    start, count, players, faults = time.monotonic(), 0, 0, 0
    with ProcessPoolExecutor(options.jobs) as pool:  # they mostly wait: for sounds
        for rows in pool.map(play, *zip(*tasks, strict=True)):
            for line, some, problems in rows:
                print(line, *problems, sep="\n    ", flush=True)
                count, players, faults = count + 1, players + some, faults + len(problems)
    seconds = time.monotonic() - start
    print(f"{count} pages, {players} players, {faults} faults in {seconds:.0f} s")
    return int(faults > 0 or players == 0)


if __name__ == "__main__":
    sys.exit(main())
