// A decision tree: boxes from the root down, the way to the left where the condition holds. Subtrees can be closed; a
// wide tree scrolls.

import {fill, h, s} from "../lib/dom.js";
import {count, number, plural} from "../lib/format.js";
import {seriesColor} from "./colors.js";

const WIDTH = 144, HEIGHT = 46, GAP = 14, LEVEL = 84, EDGE = 8;
const OPEN_DEPTH = 3; // levels that are open at first

/** nodes: as src/web/model_parts.h tells them. */
export function treeChart(nodes) {
    const closed = new Set(nodes.map((_, i) => i).filter((i) => depthOf(nodes)[i] >= OPEN_DEPTH));
    const box = h("div.tree-chart");
    const draw = () => fill(box, drawing(nodes, closed, (i) => {
        if (!closed.delete(i)) closed.add(i);
        draw();
        box.querySelector(`[data-node="${i}"]`)?.focus();
    }));
    draw();
    return box;
}

function depthOf(nodes) {
    const depths = [0];
    nodes.forEach((node, i) => {
        if (node.left === undefined) return;
        depths[node.left] = depths[node.right] = depths[i] + 1;
    });
    return depths;
}

/** Leaves side by side, parents in the middle above their children. */
function layOut(nodes, closed) {
    const placed = [];
    let room = 0, depth = 0;
    const place = (i, level) => {
        const node = nodes[i];
        depth = Math.max(depth, level);
        const inner = node.left !== undefined && !closed.has(i);
        let x;
        if (inner) {
            x = (place(node.left, level + 1) + place(node.right, level + 1)) / 2;
        } else {
            x = room + WIDTH / 2;
            room += WIDTH + GAP;
        }
        placed.push({i, node, x: x + EDGE, y: EDGE + level * LEVEL, inner});
        return x;
    };
    place(0, 0);
    return {placed, width: room - GAP + 2 * EDGE, height: depth * LEVEL + HEIGHT + 2 * EDGE + 8};
}

function drawing(nodes, closed, toggle) {
    const {placed, width, height} = layOut(nodes, closed);
    const at = new Map(placed.map((one) => [one.i, one]));
    const all = nodes[0].count || 1;
    const edges = placed.filter((one) => one.inner).flatMap((one) => [["left", "yes"], ["right", "no"]].map(
        ([side, word]) => edge(one, at.get(one.node[side]), word, all)));
    return s("svg", {width, height, viewBox: `0 0 ${width} ${height}`, role: "tree", "aria-label": "Decision tree"},
        edges, placed.map((one) => drawNode(one, closed, toggle)));
}

function edge(from, to, word, all) {
    const y = from.y + HEIGHT, middle = (y + to.y) / 2;
    return [s("path.edge", {d: `M${from.x},${y}C${from.x},${middle} ${to.x},${middle} ${to.x},${to.y}`,
        "stroke-width": 1 + 6 * to.node.count / all}),
    s("text", {x: (from.x + to.x) / 2, y: middle - 3, "text-anchor": "middle"}, word)];
}

function drawNode({i, node, x, y}, closed, toggle) {
    const hasBelow = node.left !== undefined;
    const open = hasBelow && !closed.has(i);
    const title = node.feature === undefined ? valueText(node) : condition(node);
    return s("g.node", {transform: `translate(${x - WIDTH / 2} ${y})`, role: "treeitem", "data-node": i,
        tabindex: hasBelow ? 0 : null, "aria-expanded": hasBelow ? String(open) : null,
        "aria-label": `${title}, ${count(node.count)} rows`, style: hasBelow ? "cursor:pointer" : "",
        onclick: () => hasBelow && toggle(i),
        onkeydown: (event) => {
            if (!hasBelow || (event.key !== "Enter" && event.key !== " ")) return;
            event.preventDefault();
            toggle(i);
        }},
    s("rect", {width: WIDTH, height: HEIGHT, rx: 5, class: hasBelow || node.more ? "split" : "leaf",
        style: hasBelow || node.more ? "" : `stroke:${leafColor(node)}`}),
    s("text.strong", {x: WIDTH / 2, y: 18, "text-anchor": "middle"}, clip(title)),
    s("text", {x: WIDTH / 2, y: 35, "text-anchor": "middle"},
        [hasBelow && valueText(node), `n = ${count(node.count)}`].filter(Boolean).join(" · ")),
    hasBelow && !open && s("g", null, s("circle.more", {cx: WIDTH / 2, cy: HEIGHT, r: 7}),
        s("text.strong", {x: WIDTH / 2, y: HEIGHT + 4, "text-anchor": "middle"}, "+")),
    node.more && s("text", {x: WIDTH / 2, y: HEIGHT + 12, "text-anchor": "middle"},
        `${plural(node.more, "node")} below`),
    s("title", null, [title, `value ${number(node.value, 6)}`, `${count(node.count)} rows`,
        `impurity ${number(node.impurity, 4)}`, node.gain !== undefined && `gain ${number(node.gain, 4)}`]
        .filter(Boolean).join("\n")));
}

function condition(node) {
    return node.among ? `${node.feature} ∈ ${node.among.join(", ")}`
        : `${node.feature} ≤ ${number(node.threshold, 5)}`;
}

function valueText(node) {
    return `→ ${number(node.value, 4)}`;
}

function leafColor(node) {
    return Number.isInteger(node.value) && node.value >= 0 ? seriesColor(node.value) : "var(--accent)";
}

function clip(text) {
    return text.length > 21 ? `${text.slice(0, 20)}…` : text;
}
