// What an address without a page shows.

import {fill, h} from "../lib/dom.js";

export default function notFound(page) {
    page.title("Not found");
    fill(page.root, h("div.page",
        h("div.notice", h("h1", "There is no such page"),
            h("p", h("a", {href: "#/experiments"}, "To the experiments")))));
}
