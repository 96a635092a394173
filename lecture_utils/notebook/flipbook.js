// The slider of figures to step through. The script makes it: where no script may run (a notebook that
// is not trusted), there is no slider that does nothing.
const host = document.currentScript.parentElement, frames = JSON.parse(host.dataset.frames);
const image = host.querySelector("img"), output = document.createElement("output");
const slider = document.createElement("input"), label = document.createElement("label");
Object.assign(slider, { type: "range", min: 0, max: frames.length - 1, value: frames.length - 1 });
slider.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes its arrow keys
slider.style.width = "60%";
slider.oninput = () => {
  [output.value, image.src, image.alt] = frames[slider.value];
  slider.setAttribute("aria-valuetext", output.value);
};
slider.oninput();
label.append(`${host.dataset.name} `, slider);
host.querySelector("p").replaceChildren(label, " ", output);
