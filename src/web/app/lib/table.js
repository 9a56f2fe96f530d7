// A table of any number of rows and columns: only what is in sight is in the document. Rows have one height; the first
// columns may be frozen. Reachable by keyboard: arrows, Page Up and Down, Home, End, Enter opens, Space selects.

import {fill, h, looksSame} from "./dom.js";

const ROW = 30;
const OVERSCAN = 6;
const FROZEN_SHARE = 0.55, LEAST_FROZEN = 110; // of the width for one column that stays in sight, and pixels

/**
 * column: {key, title, kind (a small line above the title), width, numeric, frozen, sort (what to ask the server to
 *          order by, if it can), cell(row) → text or node, hint(row) → tooltip}
 * source: {total, row(i) → object or undefined while it is being fetched, want(first, last)}
 * options: {label, empty (text), onOpen(row), onSort(column), order ({sort, descending}), rowKey(row) (null: cannot be
 *           selected), selection, rowValue(row) (what the selection keeps), onResize(column, width), onTurn(row, open)
 *           (opens or closes a row with others below it; false: there is nothing to do)}
 *
 * While aria-busy is "true" the rows in sight are being fetched or drawn. Handlers in cells ask rowAt(event) for their
 * row: cells that look the same are kept when newer rows come.
 */
export class VirtualTable {
    constructor(columns, source, options = {}) {
        this.options = options;
        this.source = source;
        this.active = -1;
        this.anchor = -1; // of a selection with Shift
        this.rows = new Map(); // index → element in the document
        this.isStale = this.hasNewColumns = this.isPressed = false;
        this.head = h("div.vt-head", {role: "row", "aria-rowindex": 1});
        this.body = h("div.vt-body", {role: "rowgroup"});
        this.note = h("p.vt-note", {hidden: true});
        this.element = h("div.vt", {role: "grid", tabindex: 0, "aria-label": options.label ?? "Table",
            "aria-multiselectable": options.selection ? "true" : "false"}, this.head, this.body, this.note);
        this.element.addEventListener("scroll", () => this.schedule(), {passive: true});
        this.element.addEventListener("keydown", (event) => this.onKey(event));
        this.body.addEventListener("click", (event) => this.onClick(event));
        this.body.addEventListener("mouseover", (event) => this.onHover(event));
        this.body.addEventListener("pointerdown", () => this.onPress());
        this.observer = new ResizeObserver(() => this.onResized());
        this.observer.observe(this.element);
        options.selection?.addEventListener("change", () => {
            this.showAllTick();
            this.refresh();
        });
        this.setColumns(columns);
    }

    setColumns(columns) {
        const tick = this.options.selection ? [selectionColumn(this)] : [];
        this.frozen = [...tick, ...columns.filter((c) => c.frozen)];
        this.loose = columns.filter((c) => !c.frozen);
        this.measure();
        [this.c0, this.c1] = this.columnsInSight();
        this.drawHead();
        this.hasNewColumns = true;
        this.refresh();
    }

    /** Other rows: those in sight go at once. */
    setSource(source) {
        this.source = source;
        this.active = this.anchor = -1;
        this.element.scrollTop = 0;
        this.dropRows();
        this.schedule();
    }

    /** Newer rows of the same kind: what is in sight stays until it is drawn again, and what looks the same stays. */
    update(source) {
        this.source = source;
        this.refresh();
    }

    refresh() {
        this.isStale = true;
        this.schedule();
    }

    /** No row changes under a finger or a mouse button that is down: its click would be lost. */
    onPress() {
        this.isPressed = true;
        const release = () => {
            removeEventListener("pointerup", release);
            removeEventListener("pointercancel", release);
            setTimeout(() => {
                this.isPressed = false;
                this.schedule();
            });
        };
        addEventListener("pointerup", release);
        addEventListener("pointercancel", release);
    }

    setOrder(order) {
        this.options.order = order;
        this.drawHead();
    }

    /** Columns that stay in sight leave room for the others. */
    widthOf(column) {
        return column.frozen ? Math.min(column.width, Math.max(LEAST_FROZEN, this.room * FROZEN_SHARE)) : column.width;
    }

    onResized() {
        if (this.element.clientWidth === this.room) this.schedule();
        else this.remeasure();
    }

    /** Columns have another width. */
    remeasure() {
        this.measure();
        this.drawHead();
        this.hasNewColumns = true;
        this.schedule();
    }

    measure() {
        this.room = this.element.clientWidth || innerWidth;
        this.frozenWidth = this.frozen.reduce((sum, c) => sum + this.widthOf(c), 0);
        this.left = [];
        let at = 0;
        for (const column of this.loose) {
            this.left.push(at);
            at += column.width;
        }
        this.looseWidth = at;
        this.width = this.frozenWidth + at;
        this.head.style.width = this.body.style.width = `${this.width}px`;
    }

    schedule() {
        this.setBusy(true);
        this.frame ??= requestAnimationFrame(() => {
            this.frame = null;
            this.draw();
        });
    }

    /** The loose columns in sight, as [first, last). */
    columnsInSight() {
        const from = this.element.scrollLeft;
        const to = from + this.element.clientWidth - this.frozenWidth;
        let first = 0;
        while (first < this.loose.length - 1 && this.left[first] + this.loose[first].width < from) first++;
        let last = first;
        while (last < this.loose.length && this.left[last] < to) last++;
        return [first, last];
    }

    setBusy(busy) {
        this.element.setAttribute("aria-busy", String(busy));
    }

    draw() {
        if (this.isPressed) return; // scheduled again on release
        const total = this.source.total;
        this.body.style.height = `${total * ROW}px`;
        this.element.setAttribute("aria-rowcount", total + 1);
        this.element.setAttribute("aria-colcount", this.frozen.length + this.loose.length);
        this.note.hidden = total > 0;
        this.note.textContent = this.source.loading ? "Loading…" : this.options.empty ?? "Nothing here.";
        const top = this.element.scrollTop;
        const first = Math.max(0, Math.floor(top / ROW) - OVERSCAN);
        const last = Math.min(total, Math.ceil((top + this.element.clientHeight) / ROW) + OVERSCAN);
        const [c0, c1] = this.columnsInSight();
        if (c0 !== this.c0 || c1 !== this.c1) {
            [this.c0, this.c1] = [c0, c1];
            this.drawHead();
            this.hasNewColumns = true;
        }
        if (this.hasNewColumns) this.dropRows();
        if (last > first) this.source.want(first, last);
        this.drawRows(first, last);
        this.hasNewColumns = this.isStale = false;
        this.setBusy(this.source.loading || [...this.rows.values()].some((row) => row.pending));
    }

    dropRows() {
        for (const row of this.rows.values()) row.remove();
        this.rows.clear();
    }

    /** Rows that went out of sight are filled again as those that came into it: making elements is what takes time. */
    drawRows(first, last) {
        const spare = [];
        for (const [index, element] of this.rows) {
            if (index >= first && index < last) {
                if (this.isStale || (element.pending && this.source.row(index))) this.fillRow(element, index);
                continue;
            }
            this.rows.delete(index);
            spare.push(element);
        }
        const fresh = [];
        for (let index = first; index < last; index++) {
            if (this.rows.has(index)) continue;
            let element = spare.pop();
            if (!element) fresh.push(element = this.makeRow());
            this.fillRow(element, index);
            this.rows.set(index, element);
        }
        for (const element of spare) element.remove();
        this.body.append(...fresh);
    }

    /** A row's elements, for any row. */
    makeRow() {
        const frozen = h("div.vt-frozen", {style: {width: `${this.frozenWidth}px`}});
        const element = h("div.vt-row", {role: "row"}, frozen);
        element.cells = [];
        const add = (parent, column, i) => {
            const cell = h("div.vt-cell",
                {role: "gridcell", "aria-colindex": i + 1, style: {width: `${this.widthOf(column)}px`}});
            if (column.numeric) cell.classList.add("numeric");
            cell.column = column;
            element.cells.push(cell);
            parent.append(cell);
            return cell;
        };
        this.frozen.forEach((column, i) => add(frozen, column, i));
        for (let i = this.c0; i < this.c1; i++) {
            add(element, this.loose[i], this.frozen.length + i).style.left = `${this.frozenWidth + this.left[i]}px`;
        }
        return element;
    }

    fillRow(element, index) {
        const row = this.source.row(index);
        const {selection, rowKey} = this.options;
        const selected = Boolean(row && selection?.has(rowKey(row)));
        const key = row && (rowKey?.(row) ?? row);
        const same = element.key === key;
        element.key = key;
        element.id = `vt-row-${index}`;
        element.index = index;
        element.pending = !row;
        element.style.top = `${index * ROW}px`;
        element.setAttribute("aria-rowindex", index + 2);
        element.setAttribute("aria-selected", String(selected));
        element.classList.toggle("selected", selected);
        element.classList.toggle("active", index === this.active);
        for (const cell of element.cells) {
            const content = row ? cell.column.cell(row, index) : "";
            if (content instanceof Node) {
                if (!same || !cell.firstChild || !looksSame(cell.firstChild, content)) cell.replaceChildren(content);
            } else if (!same || cell.textContent !== String(content ?? "")) {
                cell.textContent = content ?? "";
            }
        }
    }

    /** The row that an event in one of its cells is about. */
    rowAt(event) {
        return this.source.row(event.target.closest(".vt-row")?.index);
    }

    /** The whole content of a cell as its tooltip, when the pointer comes: it may be cut short. */
    onHover(event) {
        const cell = event.target.closest(".vt-cell");
        const row = cell && this.source.row(cell.closest(".vt-row").index);
        if (row) cell.title = cell.column.hint ? cell.column.hint(row) : cell.textContent;
    }

    drawHead() {
        const frozen = h("div.vt-frozen");
        frozen.style.width = `${this.frozenWidth}px`;
        frozen.append(...this.frozen.map((column, i) => this.headCell(column, i)));
        fill(this.head, frozen);
        for (let i = this.c0; i < this.c1; i++) {
            const cell = this.headCell(this.loose[i], this.frozen.length + i);
            cell.style.left = `${this.frozenWidth + this.left[i]}px`;
            this.head.append(cell);
        }
    }

    headCell(column, i) {
        const cell = h("div.vt-cell",
            {role: "columnheader", "aria-colindex": i + 1, title: column.hintTitle ?? column.title});
        cell.style.width = `${this.widthOf(column)}px`;
        if (column.numeric) cell.classList.add("numeric");
        if (column.head) return fill(cell, column.head());
        const order = this.options.order;
        const sorted = column.sort && order?.sort === column.sort;
        if (sorted) cell.setAttribute("aria-sort", order.descending ? "descending" : "ascending");
        const arrow = sorted ? h("span.arrow", order.descending ? "↓" : "↑") : null;
        const title = [h("span.vt-kind", column.kind ?? ""), h("span.vt-title", column.title, arrow)];
        fill(cell, column.sort && this.options.onSort ?
            h("button.vt-sort", {onclick: () => this.options.onSort(column)}, title) : h("span.vt-sort", title));
        if (this.options.onResize && !column.fixed) cell.append(this.makeGrip(column));
        return cell;
    }

    /** The right edge of a head cell, dragged to change the width. */
    makeGrip(column) {
        return h("span.vt-grip", {onpointerdown: (down) => {
            down.preventDefault();
            const before = column.width;
            const move = (event) => {
                column.width = Math.max(50, before + event.clientX - down.clientX);
                this.remeasure();
            };
            const up = () => {
                removeEventListener("pointermove", move);
                this.options.onResize(column, column.width);
            };
            addEventListener("pointermove", move);
            addEventListener("pointerup", up, {once: true});
        }});
    }

    onClick(event) {
        const element = event.target.closest(".vt-row");
        if (element) this.setActive(element.index, false);
    }

    onKey(event) {
        if (event.target !== this.element && event.key !== "Escape") return;
        const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 2);
        const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity};
        if (event.key in steps) {
            this.setActive(Math.max(0, Math.min(this.source.total - 1, this.active + steps[event.key])), true);
        } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
            const right = event.key === "ArrowRight", row = this.source.row(this.active);
            if (!row || !this.options.onTurn?.(row, right)) this.element.scrollLeft += right ? 120 : -120;
        } else if (event.key === "Escape") {
            this.element.focus();
        } else {
            const row = this.source.row(this.active);
            if (!row) return;
            if (event.key === "Enter") this.options.onOpen?.(row);
            else if (event.key === " ") this.toggle(row);
            else return;
        }
        event.preventDefault();
    }

    toggle(row) {
        const {selection, rowKey, rowValue = (r) => r} = this.options;
        if (selection && rowKey(row) !== null) selection.toggle(rowKey(row), rowValue(row));
    }

    /** A click on a row's box; with Shift, all rows from the one clicked before become as this one. */
    onTick(event) {
        const {selection, rowKey, rowValue = (r) => r} = this.options;
        const {index} = event.target.closest(".vt-row");
        const on = event.target.checked;
        const from = event.shiftKey && this.anchor >= 0 ? this.anchor : index;
        const rows = [];
        for (let i = Math.min(from, index); i <= Math.max(from, index); i++) {
            const row = this.source.row(i);
            if (row && rowKey(row) !== null) rows.push([rowKey(row), rowValue(row)]);
        }
        this.anchor = index;
        selection.set(rows, on);
    }

    showAllTick() {
        const {selection} = this.options;
        if (!this.allTick) return;
        this.allTick.checked = selection.isAll;
        this.allTick.indeterminate = !selection.isAll && selection.size > 0;
    }

    setActive(index, scroll) {
        this.rows.get(this.active)?.classList.remove("active");
        this.active = index;
        this.element.setAttribute("aria-activedescendant", `vt-row-${index}`);
        if (scroll) {
            const top = index * ROW, view = this.element.clientHeight - this.head.offsetHeight;
            if (top < this.element.scrollTop) this.element.scrollTop = top;
            else if (top + ROW > this.element.scrollTop + view) this.element.scrollTop = top + ROW - view;
        }
        this.rows.get(index)?.classList.add("active");
        this.schedule();
    }
}

/** The column of boxes; the one in the head selects everything there is, or nothing. */
function selectionColumn(table) {
    const {selection, rowKey} = table.options;
    return {
        key: "select", title: "Select", width: 34, fixed: true,
        head: () => {
            table.allTick = h("input", {type: "checkbox", "aria-label": "Select all",
                onchange: (event) => selection.setAll(event.target.checked)});
            table.showAllTick();
            return table.allTick;
        },
        cell: (row) => rowKey(row) === null ? "" : h("input", {type: "checkbox", tabIndex: -1,
            "aria-label": "Select row", checked: selection.has(rowKey(row)),
            onclick: (event) => table.onTick(event)}),
        hint: () => "",
    };
}

/** Chosen rows by key. `fetchAll` gives [key, row] of everything, for the box in the head. */
export class Selection extends EventTarget {
    constructor(fetchAll) {
        super();
        this.chosen = new Map();
        this.fetchAll = fetchAll;
        this.isAll = false;
    }

    get size() {
        return this.chosen.size;
    }

    get keys() {
        return [...this.chosen.keys()];
    }

    has(key) {
        return this.chosen.has(key);
    }

    toggle(key, row) {
        this.isAll = false;
        if (!this.chosen.delete(key)) this.chosen.set(key, row);
        this.dispatchEvent(new Event("change"));
    }

    /** [key, row] pairs, in or out. */
    set(rows, on) {
        this.isAll = false;
        for (const [key, row] of rows) {
            if (on) this.chosen.set(key, row);
            else this.chosen.delete(key);
        }
        this.dispatchEvent(new Event("change"));
    }

    clear() {
        this.isAll = false;
        this.chosen.clear();
        this.dispatchEvent(new Event("change"));
    }

    async setAll(on) {
        this.chosen = new Map(on ? await this.fetchAll() : []);
        this.isAll = on;
        this.dispatchEvent(new Event("change"));
    }
}

/** What a table shows until its rows are known. */
export const PENDING = {total: 0, loading: true, row: () => undefined, want() {}};

/** A source over rows in memory. */
export class ListSource {
    constructor(rows = []) {
        this.rows = rows;
        this.loading = false;
    }

    get total() {
        return this.rows.length;
    }

    row(i) {
        return this.rows[i];
    }

    want() {}
}

/**
 * A source that fetches blocks of rows when they come into sight. `fetchPage(offset, limit, signal)` gives
 * {total, rows}; `changed(error)` is called after each block. `previous`: the source it takes the place of.
 */
export class PagedSource {
    constructor(fetchPage, changed, {block = 100, previous = null} = {}) {
        this.fetchPage = fetchPage;
        this.changed = changed;
        this.block = block;
        this.blocks = new Map(); // number → rows, or null while under way
        this.previous = previous; // rows shown until newer ones have come
        this.total = previous?.total ?? 0;
        this.loading = true;
        this.controller = new AbortController();
    }

    row(i) {
        const block = this.blocks.get(Math.floor(i / this.block));
        return block ? block[i % this.block] : this.previous?.row(i);
    }

    want(first, last) {
        for (let b = Math.floor(first / this.block); b <= Math.floor((last - 1) / this.block); b++) this.load(b);
    }

    async load(b) {
        if (this.blocks.has(b)) return;
        this.blocks.set(b, null);
        try {
            const page = await this.fetchPage(b * this.block, this.block, this.controller.signal);
            if (this.controller.signal.aborted) return;
            this.total = page.total;
            this.blocks.set(b, page.rows);
            if (this.previous) this.previous.previous = null;
            this.loading = false;
            this.changed(null);
        } catch (error) {
            this.loading = false;
            this.blocks.delete(b); // asked for again when it is in sight next
            if (error.name !== "AbortError") this.changed(error);
        }
    }

    stop() {
        this.controller.abort();
    }
}
