// The frame of all pages: the bar on top, the theme, and which page an address shows.

import {whoami} from "./lib/api.js";
import {fill, h, icon} from "./lib/dom.js";
import {Page, Router} from "./lib/router.js";

const router = new Router([
    ["/", () => import("./pages/experiments.js")],
    ["/experiments", () => import("./pages/experiments.js")],
    ["/experiments/:experiments", () => import("./pages/runs.js")],
    ["/experiments/:experiments/runs", () => import("./pages/runs.js")],
    ["/experiments/:experiments/charts", () => import("./pages/runs.js")],
    ["/experiments/:experiments/runs/:run", () => import("./pages/run.js")],
    ["/experiments/:experiments/runs/:run/*tab", () => import("./pages/run.js")],
    ["/experiments/:experiments/models", () => import("./pages/logged_models.js")],
    ["/experiments/:experiments/models/:model", () => import("./pages/logged_model.js")],
    ["/experiments/:experiments/models/:model/*tab", () => import("./pages/logged_model.js")],
    ["/experiments/:experiments/traces", () => import("./pages/traces.js")],
    ["/experiments/:experiments/traces/:trace", () => import("./pages/trace.js")],
    ["/experiments/:experiments/access", () => import("./pages/experiment_access.js")],
    ["/experiments/:experiments/*rest", () => import("./pages/runs.js")], // addresses of MLflow's other tabs
    ["/runs/:run", () => import("./pages/run_redirect.js")],
    ["/compare-runs", () => import("./pages/compare.js")],
    ["/models", () => import("./pages/models.js")],
    ["/models/:name", () => import("./pages/model.js")],
    ["/models/:name/compare", () => import("./pages/model_compare.js")],
    ["/models/:name/versions/:version", () => import("./pages/model_version.js")],
    ["/users", () => import("./pages/users.js")],
    ["/engine", () => import("./pages/engine_operations.js")],
    ["/engine/operations", () => import("./pages/engine_operations.js")],
    ["/engine/operations/:id", () => import("./pages/engine_operation.js")],
    ["/engine/sessions", () => import("./pages/engine_sessions.js")],
    ["/engine/storage", () => import("./pages/engine_storage.js")],
    ["/engine/environment", () => import("./pages/engine_environment.js")],
], () => import("./pages/not_found.js"));

const SECTIONS = [
    ["experiments", "Experiments"],
    ["models", "Models"],
    ["engine", "Engine"],
];

const main = document.getElementById("main");
let current = null;

async function show() {
    const address = location.hash.slice(1);
    current?.controller.abort();
    const page = new Page(main);
    current = page;
    const {load, params, query} = router.match(address);
    markSection(address);
    try {
        const module = await load();
        if (page.signal.aborted) return;
        fill(main);
        main.className = "";
        await module.default(page, params, query);
    } catch (error) {
        if (error.name === "AbortError" || page.signal.aborted) return;
        fill(main, h("div.page",
            h("div.notice.error", h("h1", "This page could not be shown"), h("p", error.message))));
    }
}

function markSection(address) {
    const first = address.split(/[/?]/)[1] || "experiments";
    const section = first === "compare-runs" ? "experiments" : first;
    for (const a of document.querySelectorAll(".top nav a")) {
        if (a.dataset.section === section) a.setAttribute("aria-current", "page");
        else a.removeAttribute("aria-current");
    }
}

// ---- a word above the page while the server does not answer: what is shown may be old

function drawReach() {
    const bar = h("div.unreachable", {role: "status", hidden: true},
        "The server cannot be reached. What is shown here may be old.");
    document.getElementById("top").after(bar);
    addEventListener("reach", (event) => { bar.hidden = event.detail; });
}

// ---- theme: the system's, or the one chosen here

function setTheme(theme) {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    window.dispatchEvent(new Event("themechange"));
}

function isDark() {
    return (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark"
        : "")) ===
        "dark";
}

function toggleTheme() {
    const theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", theme);
    setTheme(theme);
}

function drawBar() {
    const theme = h("button.bare", {title: "Light or dark", "aria-label": "Switch between light and dark",
        onclick: toggleTheme}, icon(isDark() ? "sun" : "moon"));
    addEventListener("themechange", () => fill(theme, icon(isDark() ? "sun" : "moon")));
    const users = h("a.button.bare", {href: "#/users", hidden: true});
    whoami().then((me) => {
        if (!me.auth) return;
        users.hidden = false;
        users.title = me.is_admin ? "Users and permissions" : "Password and tokens";
        fill(users, icon("user"), h("span.clip", me.username));
    });
    const logo = h("a.logo", {href: "#/experiments"}, h("span.stone"), "chert");
    fill(document.getElementById("top"), logo,
        h("nav", {"aria-label": "Sections"}, SECTIONS.map(([key, title]) =>
            h("a", {href: `#/${key}`, "data-section": key}, title))),
        h("span.grow"), users, theme);
}

setTheme(localStorage.getItem("theme"));
matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () => window.dispatchEvent(new Event("themechange")));
drawBar();
drawReach();
document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});
// "/" goes to the first box for searching, as in many programs.
addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const box = main.querySelector("input[type=search]");
    if (!box) return;
    event.preventDefault();
    box.focus();
});
window.addEventListener("hashchange", show);
show();
