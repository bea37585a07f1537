"use strict";
// Everything from runs is set as text, never as markup.

const PAGE = 50;
const COLOURS = 6;
const LINES = 5;
const FIRST_LETTER = "A".charCodeAt(0);
const TARGET = "target";
const byId = (id) => document.getElementById(id);

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

async function read(element) {
  if (element.dataset.encoding !== "gzip") return JSON.parse(element.textContent);
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// What stands in a cell as what it is sorted by: its first number, null for a dash, else the text.
function value(text) {
  const number = /^-?\d+(\.\d+)?/.exec(text);
  return text === "-" ? null : number ? Number(number[0]) : text;
}

// What is not known comes last, whichever way; numbers come before words.
function compare(one, two, direction) {
  if (one === null || two === null) return (one === null) - (two === null);
  if (typeof one !== typeof two) return typeof one === "number" ? -1 : 1;
  if (typeof one === "number") return direction * (one - two);
  return direction * one.localeCompare(two, "en", { numeric: true });
}

// The direction of a column after a click: figures begin with the largest, words with the first.
function turned(heading, numeric) {
  const before = heading.getAttribute("aria-sort");
  const up = before ? before === "descending" : !numeric;
  for (const each of heading.parentElement.children) each.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  return up ? 1 : -1;
}

const wordsOf = (field) => field.value.toLowerCase().split(/\s+/).filter(Boolean);
const holds = (text, words) => words.every((word) => text.includes(word));

function runTables() {
  const tables = [...document.querySelectorAll(".table")];
  for (const table of tables) {
    const body = table.querySelector("tbody");
    table.querySelectorAll("thead th").forEach((heading, column) => {
      heading.firstChild.addEventListener("click", () => {
        const rows = [...body.rows].map((row) => [value(row.cells[column].textContent), row]);
        const direction = turned(heading, rows.some(([found]) => typeof found === "number"));
        rows.sort((one, two) => compare(one[0], two[0], direction));
        body.append(...rows.map(([, row]) => row));
      });
    });
  }
  const field = byId("run-filter");
  function filter() {
    const words = wordsOf(field);
    let shown = 0, all = 0;
    for (const table of tables) {
      const title = table.querySelector("caption").textContent;
      let own = 0;
      for (const row of table.querySelector("tbody").rows) {
        const cells = [...row.cells].map((cell) => cell.textContent);
        row.hidden = !holds([title, ...cells].join(" ").toLowerCase(), words);
        own += !row.hidden;
        all += 1;
      }
      table.hidden = !own;
      shown += own;
    }
    byId("run-count").textContent = words.length ? `${shown} of ${all} rows` : "";
  }
  field.addEventListener("input", filter);
  filter();
}

function figures(data) {
  for (const { title, svg } of data.figures) {
    const image = make("img", "", { alt: title, loading: "lazy" });
    image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
    const figure = make("figure");
    figure.append(image);
    byId("figure-list").append(figure);
  }
  byId("figures").hidden = !data.figures.length;
}

// How the tokens of a source look; the target's look like plain text.
function looks(sources) {
  const others = sources.filter((name) => name !== TARGET);
  return sources.map((name) => {
    const number = others.indexOf(name);
    return number < 0 ? "token" : `token colour-${number % COLOURS} line-${number % LINES}`;
  });
}

class Prompts {
  constructor(data) {
    this.data = data;
    this.rows = data.rows;
    this.looks = looks(data.sources);
    this.order = { key: null, direction: 1 };
    this.first = 0;
    this.open = new Set();
    this.body = byId("prompt-table").tBodies[0];
    data.tables.forEach((title, table) => {
      const group = make("optgroup", "", { label: title });
      data.runs.forEach((run, index) => {
        if (run.table === table) group.append(make("option", run.name, { value: index }));
      });
      if (group.children.length) byId("prompt-run").append(group);
    });
    data.verdicts.forEach((name, index) => byId("prompt-verdict").append(make("option", name, { value: index })));
    for (const id of ["prompt-run", "prompt-verdict", "prompt-filter"]) {
      byId(id).addEventListener("input", () => this.choose());
    }
    for (const heading of byId("prompt-table").tHead.rows[0].cells) {
      heading.firstChild.addEventListener("click", () => {
        const key = heading.firstChild.dataset.key;
        this.order = { key, direction: turned(heading, typeof this.cell(key, 0) !== "string") };
        this.choose();
      });
    }
    byId("previous").addEventListener("click", () => this.turn(-PAGE));
    byId("next").addEventListener("click", () => this.turn(PAGE));
    for (const button of document.querySelectorAll("[data-run]")) {
      button.addEventListener("click", () => {
        byId("prompt-run").value = button.dataset.run;
        this.choose();
        byId("prompts").scrollIntoView();
        byId("prompt-run").focus({ preventScroll: true });
      });
    }
    this.choose();
  }

  cell(key, row) {
    const found = this.rows[key][row];
    if (key === "prompt") return this.data.prompts[found];
    if (key === "run") return this.data.runs[found].name;
    if (key === "verdict") return this.data.verdicts[found];
    return found;
  }

  choose() {
    const [run, verdict] = [byId("prompt-run").value, byId("prompt-verdict").value];
    const words = wordsOf(byId("prompt-filter"));
    this.chosen = [];
    for (let row = 0; row < this.rows.run.length; row += 1) {
      if (run !== "" && this.rows.run[row] !== Number(run)) continue;
      if (verdict !== "" && this.rows.verdict[row] !== Number(verdict)) continue;
      const text = words.length ? ["prompt", "run", "verdict"].map((key) => this.cell(key, row)).join(" ") : "";
      if (holds(text.toLowerCase(), words)) this.chosen.push(row);
    }
    const { key, direction } = this.order;
    if (key) {
      const values = new Map(this.chosen.map((row) => [row, this.cell(key, row)]));
      this.chosen.sort((one, two) => compare(values.get(one), values.get(two), direction) || one - two);
    }
    this.first = 0;
    this.show();
  }

  turn(rows) {
    this.first += rows;
    this.show();
  }

  show() {
    const end = Math.min(this.first + PAGE, this.chosen.length);
    const range = this.chosen.length ? `${this.first + 1} to ${end} of ${this.chosen.length}` : "no prompt";
    byId("prompt-count").textContent = range;
    byId("previous").disabled = this.first === 0;
    byId("next").disabled = end === this.chosen.length;
    this.body.replaceChildren();
    for (const row of this.chosen.slice(this.first, end)) {
      this.body.append(this.line(row));
      if (this.open.has(row)) this.body.append(this.detail(row));
    }
  }

  line(row) {
    const line = make("tr");
    const verdict = this.cell("verdict", row);
    if (verdict.startsWith("mismatch")) line.className = "mismatch";
    const heading = make("th", "", { scope: "row" });
    const button = make("button", this.cell("prompt", row), { type: "button", "aria-expanded": this.open.has(row) });
    button.addEventListener("click", () => {
      const opens = !this.open.delete(row);
      if (opens) this.open.add(row);
      button.setAttribute("aria-expanded", opens);
      if (opens) line.after(this.detail(row));
      else line.nextSibling.remove();
    });
    heading.append(button);
    const run = this.data.runs[this.rows.run[row]];
    const figures = ["speedup", "perForward"].map((key) => {
      const found = this.rows[key][row];
      return make("td", found === null ? "-" : found.toFixed(2));
    });
    line.append(
      heading, make("td", run.name, { title: this.data.tables[run.table] }), make("td", this.rows.tokens[row]),
      ...figures, make("td", verdict),
    );
    return line;
  }

  // The output of a prompt, and the reference's beside it where that is another.
  detail(row) {
    const detail = make("tr", "", { class: "detail" });
    const cell = make("td", "", { colspan: 6 });
    const sides = make("div", "", { class: "sides" });
    const [output, greedy] = [this.rows.output[row], this.rows.greedy[row]];
    const difference = greedy < 0 ? -1 : this.rows.difference[row];
    const letters = this.rows.sources[row];
    const repeat = this.rows.repeat[row] ? `, repeat ${this.rows.repeat[row]}` : "";
    const texts = [output, greedy < 0 ? output : greedy].map((each) => this.data.outputs[each]);
    const apart = texts.every((text) => typeof text !== "string");
    const parts = apart || difference < 0 ? -1 : parting(...texts.map((text) => this.textOf(text)));
    const shown = [[output, `Output${repeat}`, letters], ...(greedy < 0 ? [] : [[greedy, "Reference", ""]])];
    for (const [index, title, proposers] of shown) {
      const side = make("div");
      const said = difference < 0 ? "" : `, first difference at token ${difference + 1}`;
      side.append(make("h3", title + said));
      const text = this.data.outputs[index];
      side.append(apart ? this.tokens(text, proposers, difference) : marked(this.textOf(text), parts));
      sides.append(side);
    }
    cell.append(this.legend(letters, apart), sides);
    detail.append(cell);
    return detail;
  }

  textOf(output) {
    return typeof output === "string" ? output : output.map((piece) => this.data.pieces[piece]).join("");
  }

  tokens(pieces, letters, difference) {
    const block = make("pre");
    pieces.forEach((piece, at) => {
      const source = letters ? letters.charCodeAt(at) - FIRST_LETTER : -1;
      const name = source < 0 ? "" : `${this.data.sources[source]}, `;
      const kind = at === difference ? "mark" : "span";
      const token = make(kind, this.data.pieces[piece], { title: `${name}token ${at + 1}` });
      if (source >= 0) token.className = this.looks[source];
      if (at === difference) {
        token.title += ", the first difference";
        token.textContent ||= "\u2205";
      }
      block.append(token);
    });
    if (difference >= pieces.length) block.append(make("mark", "\u220e", { title: "ends here, the first difference" }));
    return block;
  }

  // Who proposed what share of the tokens, or why nobody is named.
  legend(letters, apart) {
    if (!apart) {
      return make("p", "The text as a whole: its tokens cannot be told apart, for the reason below the table.");
    }
    if (!letters) return make("p", "This method does not tell who proposed its tokens.");
    const counts = new Map();
    for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    const list = make("ul", "", { class: "legend" });
    for (const [letter, count] of counts) {
      const source = letter.charCodeAt(0) - FIRST_LETTER;
      const entry = make("li");
      entry.append(make("span", this.data.sources[source], { class: this.looks[source] }));
      entry.append(` ${Math.round((100 * count) / letters.length)}%`);
      list.append(entry);
    }
    return list;
  }
}

// Where two texts part, in letters.
function parting(one, two) {
  let at = 0;
  while (at < one.length && at < two.length && one[at] === two[at]) at += 1;
  return at;
}

// A text with the letter marked that is the first to differ.
function marked(text, at) {
  const block = make("pre");
  if (at < 0) block.append(text);
  else {
    const letter = String.fromCodePoint(text.codePointAt(at) ?? 0x220e);
    block.append(text.slice(0, at), make("mark", letter, { title: "the first difference" }));
    block.append(text.slice(at + (at < text.length ? letter.length : 0)));
  }
  return block;
}

async function main() {
  runTables();
  try {
    const data = await read(byId("data"));
    figures(data);
    new Prompts(data);
  } catch (error) {
    byId("failure").textContent = `Figures and prompts cannot be shown: ${error.message}`;
    byId("failure").hidden = false;
  }
  document.documentElement.dataset.ready = "true";
}

main();
