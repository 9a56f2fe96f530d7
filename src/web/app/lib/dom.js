// Elements in one call, without a framework and without ever reading data as HTML: text becomes text nodes.
//
//     h("label.field", "Name", h("input", {value: name, oninput: (e) => ...}))

/**
 * @param {string} tag       name with classes: "button.primary.small"
 * @param {object} [props]   on… handlers, style as an object, properties (value, checked, …) or attributes
 * @param {...*} children    nodes, strings, numbers, arrays of those; null and false are left out
 */
export function h(tag, props, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElement(name || "div");
    if (classes.length) element.className = classes.join(" ");
    if (isProps(props)) setProps(element, props);
    else if (props !== undefined) children.unshift(props);
    append(element, children);
    return element;
}

/** The same for SVG; props are attributes. */
export function s(tag, attributes, ...children) {
    const [name, ...classes] = tag.split(".");
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    if (classes.length) element.setAttribute("class", classes.join(" "));
    for (const [key, value] of Object.entries(attributes ?? {})) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (key === "style") element.style.cssText = value; // as an attribute, CSP would refuse it
        else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
    }
    append(element, children);
    return element;
}

/**
 * Makes what is inside like `children` and lets alone what already is, so that the focus, selected text and scrolled
 * boxes stay and no button is replaced under the pointer. What an element's handlers act upon must show in its
 * attributes (an aria-label that names it, say): one that looks the same keeps its old handlers.
 */
export function refill(element, ...children) {
    const fresh = document.createDocumentFragment();
    append(fresh, children);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    morph(element, fresh);
    if (focused && !focused.isConnected) focusLike(element, focused);
    return element;
}

/** What took the place of a focused element: that of the same name. */
function focusLike(element, lost) {
    const name = (one) => one.getAttribute("aria-label") ?? one.textContent;
    [...element.querySelectorAll(lost.nodeName)].find((one) => name(one) === name(lost))?.focus();
}

function morph(element, fresh) {
    const wanted = [...fresh.childNodes];
    while (element.childNodes.length > wanted.length) element.lastChild.remove();
    wanted.forEach((node, i) => {
        const old = element.childNodes[i];
        if (!old) element.append(node);
        else if (old === node || looksSame(old, node)) return;
        else if (isPlain(old) && isPlain(node) && old.nodeName === node.nodeName) morphElement(old, node);
        else old.replaceWith(node);
    });
}

function morphElement(old, fresh) {
    for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const {name, value} of fresh.attributes) {
        if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morph(old, fresh);
}

/** An element without handlers and drawings of its own. */
function isPlain(node) {
    return node.nodeType === Node.ELEMENT_NODE && !node.isOwn;
}

/** Whether there is no need to put `fresh` in the place of `old`. */
export function looksSame(old, fresh) {
    if (!old.isEqualNode(fresh)) return false;
    if (old.checked !== fresh.checked) old.checked = fresh.checked; // is no attribute
    return true;
}

/** Replaces what is inside. */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
    return element;
}

export function append(element, children) {
    for (const child of children) {
        if (child === null || child === undefined || child === false) continue;
        if (Array.isArray(child)) append(element, child);
        else element.append(child instanceof Node ? child : String(child));
    }
}

function isProps(value) {
    return value !== null && typeof value === "object" && !(value instanceof Node) && !Array.isArray(value);
}

function setProps(element, props) {
    for (const [key, value] of Object.entries(props)) {
        if (value === null || value === undefined) continue;
        if (key.startsWith("on")) {
            element.addEventListener(key.slice(2), value);
            element.isOwn = true;
        } else if (key === "style") for (const [name, v] of Object.entries(value)) element.style.setProperty(name, v);
        else if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
        else if (key in element && !key.includes("-") && key !== "list" && key !== "form") element[key] = value;
        else if (value === true) element.setAttribute(key, "");
        else if (value !== false) element.setAttribute(key, value);
    }
}

/** Calls `fn` once, `ms` after the last of a quick series of calls. */
export function debounce(fn, ms) {
    let timer = 0;
    return (...args) => {
        clearTimeout(timer);
        timer = setTimeout(() => fn(...args), ms);
    };
}

const ICONS = {
    close: "M4 4l8 8M12 4l-8 8",
    check: "M3 8.5l3.5 3.5L13 5",
    down: "M4 6l4 4 4-4",
    right: "M6 4l4 4-4 4",
    plus: "M8 3v10M3 8h10",
    edit: "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z",
    trash: "M3 4.5h10M6.5 4V2.5h3V4M4.5 4.5l.6 9h5.8l.6-9M7 7v4M9 7v4",
    copy: "M6 6h7v7H6zM10 6V3H3v7h3",
    download: "M8 2v8M5 7l3 3 3-3M3 13h10",
    refresh: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
    columns: "M2.5 3h11v10h-11zM6 3v10M10 3v10",
    sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
    moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5z",
    folder: "M2 4h4l1.5 1.5H14V13H2z",
    file: "M4 2h5l3 3v9H4zM9 2v3h3",
    chart: "M2.5 2.5v11h11M5 11V8M8 11V5M11 11V7",
    table: "M2.5 3h11v10h-11zM2.5 6.5h11M2.5 10h11",
    pin: "M6 2h4l-.6 4L12 8.5H4L6.6 6zM8 8.5V14",
    tag: "M2.5 2.5h5l6 6-5 5-6-6zM5.2 5.2h.1",
    stop: "M4 4h8v8H4z",
    user: "M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4zM2.8 14c.4-3 2.4-4.4 5.2-4.4s4.8 1.4 5.2 4.4",
    search: "M7 3a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM10 10l3.5 3.5",
    expand: "M9.5 2.5h4v4M13 3L9 7M6.5 13.5h-4v-4M3 13l4-4",
    menu: "M3 8h.1M8 8h.1M13 8h.1",
};

/** A line icon of 16 pixels, in the colour of the text. */
export function icon(name) {
    return s("svg.icon", {viewBox: "0 0 16 16", "aria-hidden": "true"}, s("path", {d: ICONS[name]}));
}
