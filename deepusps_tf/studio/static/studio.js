"use strict";

const byId = (id) => document.getElementById(id);

// Asks the server; what it refuses becomes an Error with its line.
async function ask(address, options) {
  let answer;
  try {
    answer = await fetch(address, options);
  } catch {
    throw new Error("the program does not answer; is it still running in its terminal?");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  return answer;
}

function say(place, text, isError) {
  place.hidden = !text;
  place.textContent = text;
  place.className = isError ? "error" : "busy";
}

function checkSize(file) {
  const most = Number(document.body.dataset.maxUpload);
  if (file.size > most) throw new Error(`${file.name}: more than ${most / 1e6} MB; give a smaller file`);
}

// A photo is tried.
const drop = byId("drop");
if (drop) {
  const state = byId("state"), result = byId("result"), chosen = byId("file");
  let newest = 0; // the photo that was given last, whose answer counts

  const show = (file, trial) => {
    const stem = file.name.replace(/\.[^.]*$/, "") || "photo";
    byId("name").textContent = file.name;
    byId("figures").textContent =
      `${trial.width} x ${trial.height} pixels, ${(100 * trial.salient).toFixed(1)} % salient, ` +
      `${trial.seconds.toFixed(1)} s`;
    byId("shown").src = `/trials/${trial.number}/shown.jpg`;
    for (const kind of ["mask", "probability", "cutout"]) {
      const picture = `/trials/${trial.number}/${kind}.png`;
      byId(kind).src = picture;
      byId(`${kind}-file`).href = picture;
      byId(`${kind}-file`).download = `${stem}-${kind}.png`;
    }
    drop.classList.add("small");
    result.hidden = false;
  };

  const tryPhoto = async (file) => {
    const own = ++newest;
    result.hidden = true;
    try {
      checkSize(file);
      say(state, `${file.name}: is looked at`, false);
      const answer = await ask(`/trials?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
      const trial = await answer.json();
      if (own !== newest) return;
      say(state, "", false);
      show(file, trial);
    } catch (error) {
      if (own === newest) say(state, error.message, true);
    }
  };

  chosen.addEventListener("change", () => {
    if (chosen.files.length) tryPhoto(chosen.files[0]);
    chosen.value = ""; // the same file may be chosen again
  });
  // Anywhere on the page: what is dropped beside the field must not replace the page.
  document.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) tryPhoto(event.dataTransfer.files[0]);
  });
}

// Choices for the next training.
function showChosen(chosen) {
  const summary = byId("summary"), command = byId("command");
  if (!summary) return;
  summary.textContent = chosen.summary;
  command.textContent = chosen.command;
  command.hidden = !chosen.command;
}

function numbered(data) {
  return { kind: data.kind, method: data.method, photo: data.photo === undefined ? undefined : Number(data.photo) };
}

async function choose(choice) {
  const answer = await ask("/choices", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(choice),
  });
  showChosen(await answer.json());
}

for (const button of document.querySelectorAll(".toggle")) {
  button.addEventListener("click", async () => {
    const wanted = button.getAttribute("aria-pressed") !== "true";
    button.disabled = true;
    try {
      await choose({ ...numbered(button.dataset), wanted });
      say(byId("state"), "", false);
      button.setAttribute("aria-pressed", String(wanted));
      button.textContent = wanted ? button.dataset.on : button.dataset.off;
      if (button.dataset.kind === "photo") byId(`p${button.dataset.photo}`).classList.toggle("out", wanted);
    } catch (error) {
      say(byId("state"), error.message, true);
    }
    button.disabled = false;
  });
}

for (const field of document.querySelectorAll(".redrawn")) {
  field.addEventListener("change", async () => {
    const file = field.files[0];
    if (!file) return;
    try {
      checkSize(file);
      await ask(`/maps/${field.dataset.method}/${field.dataset.photo}`, { method: "POST", body: file });
      location.reload();
    } catch (error) {
      say(byId("state"), error.message, true);
    }
    field.value = "";
  });
}

for (const button of document.querySelectorAll(".give-up")) {
  button.addEventListener("click", async () => {
    try {
      await choose({ ...numbered(button.dataset), wanted: false });
      location.reload();
    } catch (error) {
      say(byId("state"), error.message, true);
    }
  });
}
