"use strict";
// Tables that sort by a heading's button, and the choice of a loop nest. Without it all is shown.

function valueOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other), "en", { numeric: true });
}

function sortTable(table, column, heading) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const isNumber = rows.length > 0 && typeof valueOf(rows[0], column) === "number";
  const before = heading.getAttribute("aria-sort");
  const first = isNumber ? "descending" : "ascending";
  const second = isNumber ? "ascending" : "descending";
  const order = before === first ? second : first;
  const sign = order === "ascending" ? 1 : -1;
  rows.sort((a, b) => sign * compare(valueOf(a, column), valueOf(b, column)));
  body.append(...rows);
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", order);
  const status = document.querySelector(".status");
  if (status) status.textContent = `${table.caption.textContent}: sorted by ${heading.textContent}, ${order}`;
}

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortTable(table, column, heading));
  });
}

const choice = document.getElementById("layer-choice");
const nests = Array.from(document.querySelectorAll(".nest"));

function showNest(id) {
  for (const nest of nests) nest.hidden = nest.id !== id;
  choice.value = id;
}

function followHash() {
  const id = location.hash.slice(1);
  const nest = nests.find((one) => one.id === id);
  if (!nest) return;
  showNest(id);
  nest.scrollIntoView();
  nest.focus({ preventScroll: true });
}

choice.parentElement.hidden = false;
choice.addEventListener("change", () => showNest(choice.value));
addEventListener("hashchange", followHash);
showNest(nests[0].id);
followHash();
