// Works in the page for live widgets: gives sliders their names, and hides the copy that is stored
// for pages without widgets.

// ipywidgets' sliders have a visible label beside them, but no name that a screen reader could read.
function nameSliders(box) {
  let named = 0;
  for (const handle of box.querySelectorAll(".noUi-handle")) {
    const label = handle.closest(".widget-inline-hbox, .widget-inline-vbox")
      ?.querySelector(".widget-label")?.textContent;
    if (!label) continue;
    handle.setAttribute("aria-label", label);
    named++;
  }
  for (const group of box.querySelectorAll(".widget-toggle-buttons")) {
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", group.querySelector(".widget-label")?.textContent ?? "");
  }
  return named;
}

export default {
  render({ model, el }) {
    el.style.display = "none"; // there is nothing to see of it
    const stored = () => document.querySelectorAll(`[data-stored="${model.get("key")}"]`);
    let waiting = 200, timer; // the widgets beside this one may come later: for 20 s at most
    const work = () => {
      for (const copy of stored()) copy.style.display = "none";
      const box = el.closest(".lp-explore");
      const named = box ? nameSliders(box) : -1;
      if (named < model.get("sliders") && waiting-- > 0) timer = setTimeout(work, 100);
    };
    work();
    return () => {
      clearTimeout(timer);
      for (const copy of stored()) copy.style.display = "";
    };
  },
};
