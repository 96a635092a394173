// Works in the page for live widgets: gives sliders their names and keys, and hides the copy that is stored
// for pages without widgets.

// ipywidgets' sliders have a visible label beside them, but no name that a screen reader could read.
// Their arrow keys are for them alone.
function nameSliders(box) {
  let named = 0;
  for (const handle of box.querySelectorAll(".noUi-handle")) {
    const label = handle.closest(".widget-inline-hbox, .widget-inline-vbox")
      ?.querySelector(".widget-label")?.textContent;
    if (!label) continue;
    handle.setAttribute("aria-label", label);
    handle.setAttribute("data-lm-suppress-shortcuts", "true");
    named++;
  }
  for (const group of box.querySelectorAll(".widget-toggle-buttons")) {
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", group.querySelector(".widget-label")?.textContent ?? "");
  }
  return named;
}

// Widgets that were saved with the notebook look alive, but nothing answers them.
async function isConnected(model) {
  try {
    return (await model.widget_manager.get_model(model.get("key"))).comm_live !== false;
  } catch {
    return true; // a host that does not tell
  }
}

export default {
  async render({ model, el }) {
    el.style.display = "none"; // there is nothing to see of it
    const connected = await isConnected(model);
    const hiding = document.createElement("style");
    hiding.textContent = `[data-stored="${model.get("key")}"] { display: none; }`;
    let waiting = 200, timer; // the widgets beside this one may come later: for 20 s at most
    const work = () => {
      const box = el.closest(".lp-explore");
      if (box) {
        box.classList.add(connected ? "lp-connected" : "lp-unconnected");
        if (connected) document.head.append(hiding); // also a copy that is displayed later
      }
      const named = box ? nameSliders(box) : -1;
      if (named < model.get("sliders") && waiting-- > 0) timer = setTimeout(work, 100);
    };
    work();
    return () => {
      clearTimeout(timer);
      hiding.remove();
    };
  },
};
