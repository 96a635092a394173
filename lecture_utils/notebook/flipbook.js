// Figures to step through: a slider and a play button in place of the figures one after the other. The
// script makes them: where no script may run (a notebook that is not trusted), all figures are shown.
function mountFrames(host) {
  const frames = [...host.querySelectorAll("img")];
  const node = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const image = node("img", { className: "lp-figure" }), output = node("output", {});
  const play = node("button", { type: "button" }), label = node("label", { className: "lp-steps" });
  const slider = node("input", { type: "range", min: 0, max: frames.length - 1, value: 0 });
  const row = node("div", { className: "lp-row" });
  const SECONDS = 0.8; // for each figure
  let timer = null;

  function show(index) {
    const { src, alt, dataset } = frames[index];
    for (const size of ["width", "height"]) // so that the page keeps room for a picture that comes later
      if (frames[index].hasAttribute(size)) image.setAttribute(size, frames[index].getAttribute(size));
    Object.assign(image, { src, alt });
    slider.value = index;
    slider.setAttribute("aria-valuetext", output.value = dataset.key);
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    play.textContent = "\u25b6 play";
  }

  function next() {
    if (host.isConnected && +slider.value < frames.length - 1) show(+slider.value + 1);
    if (!host.isConnected || +slider.value === frames.length - 1) stop();
  }

  play.onclick = () => {
    if (timer) return stop();
    if (+slider.value === frames.length - 1) show(0);
    timer = setInterval(next, 1000 * SECONDS);
    play.textContent = "\u275a\u275a pause";
  };
  slider.oninput = () => {
    stop();
    show(+slider.value);
  };
  host.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the keys
  label.append(`${host.dataset.name} `, slider);
  row.append(play, label, output);
  host.replaceChildren(row, image);
  stop();
  show(0);
}
