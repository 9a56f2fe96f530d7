// The users of a server that asks who one is: oneself (password, tokens), and for administrators everybody.

import {mlflow, whoami} from "../lib/api.js";
import {confirmDialog, formDialog, reportError, toast} from "../lib/dialog.js";
import {fill, h, icon} from "../lib/dom.js";
import {dateTime} from "../lib/format.js";
import {card, copyButton, failed, heading} from "../lib/parts.js";

export default async function usersPage(page) {
    page.title("Users");
    const me = await whoami();
    if (!me.auth) {
        fill(page.root, h("div.page", h("div.notice", h("h1", "This server has no users"), h("p",
            "Everybody who reaches it may do everything. ", h("code", "chert serve --auth store"),
            " makes it ask who it is."))));
        return;
    }
    const view = new Users(page, me);
    await view.load();
}

class Users {
    constructor(page, me) {
        this.page = page;
        this.me = me;
        this.fresh = null; // a token that was just made: told once
    }

    async load() {
        try {
            const [tokens, users] = await Promise.all([
                mlflow.get("users/tokens/list", {}, this.page.signal),
                this.me.is_admin ? mlflow.get("users/list", {}, this.page.signal) : {},
            ]);
            this.draw(tokens.tokens ?? [], users.users);
        } catch (error) {
            if (error.name !== "AbortError") fill(this.page.root, h("div.page", failed(error)));
        }
    }

    draw(tokens, users) {
        const {me} = this;
        fill(this.page.root, h("div.page", heading("Users", {beside: [
            h("span.muted", "You are ", h("strong", me.username)),
            me.is_admin && h("span.badge.accent", "administrator")],
        actions: me.users_in_file ? [] : [
            h("button", {onclick: () => this.changePassword(me.username, true)}, "Change my password"),
            me.is_admin && h("button.primary", {onclick: () => this.create()}, icon("plus"), "New user")]}),
        h("div.stack",
            me.users_in_file && h("div.notice", "Users are kept in a file on the server: ", h("code", "chert user"),
                " writes its lines."),
            users && this.usersCard(users), this.tokensCard(tokens))));
    }

    usersCard(users) {
        const {me} = this;
        return card(`Users (${users.length})`, h("div.table-wrap", h("table.plain",
            h("thead", h("tr", h("th", "Name"), h("th", "Role"), h("th"))),
            h("tbody", users.map((user) => h("tr", h("td.value", user.username, user.username === me.username &&
                h("span.faint", " you")),
            h("td", user.is_admin ? h("span.badge.accent", "administrator") : h("span.faint", "user")),
            h("td.acts", !me.users_in_file && user.username !== me.username && [
                h("button.small", {"aria-label": `Reset the password of ${user.username}`,
                    onclick: () => this.changePassword(user.username, false)}, "Reset password"), " ",
                this.adminButton(user), " ",
                h("button.small.danger", {"aria-label": `Delete ${user.username}`, onclick: () => this.remove(user)},
                    "Delete")])))))),
        h("p.faint", "Without a permission of their own on an experiment or model, users have ",
            `${me.default_permission}.`));
    }

    adminButton(user) {
        const what = user.is_admin ? "an ordinary user" : "an administrator";
        return h("button.small", {"aria-label": `Make ${what} of ${user.username}`, onclick: () => this.setAdmin(user)},
            user.is_admin ? "Make ordinary user" : "Make administrator");
    }

    tokensCard(tokens) {
        const {me} = this;
        const end = ({expires}) => !expires ? "never" : expires < Date.now() ? "expired" : dateTime(expires);
        return card(h("header", h("h2", `My tokens (${tokens.length})`), h("span.grow"), !me.users_in_file &&
            h("button.small", {onclick: () => this.createToken()}, icon("plus"), "New token")),
        this.fresh && h("div.notice", h("p", "Copy it now, it is not shown again:"),
            h("p", h("code.token", this.fresh), copyButton(this.fresh, "Copy the token"))),
        tokens.length ? h("div.table-wrap", h("table.plain",
            h("thead", h("tr", h("th", "Name"), h("th", "Made"), h("th", "Ends"), h("th"))),
            h("tbody", tokens.map((token) => h("tr", h("td.value", token.name || h("span.faint", "no name")),
                h("td.nowrap", dateTime(token.created)), h("td.nowrap", end(token)),
                h("td.acts", h("button.small.danger", {"aria-label": `Delete token ${token.name || token.id}`,
                    onclick: () => this.removeToken(token)}, "Delete"))))))) : h("p.faint", "None."),
        h("p.faint", "A token stands for you in programs: ", h("code", "MLFLOW_TRACKING_TOKEN"), ", and ",
            h("code", "sc://host:port/;token=…"), " for Spark."));
    }

    async create() {
        const done = await formDialog({title: "New user", action: "Create", fields: [
            {name: "username", label: "Name", required: true},
            {name: "password", label: "Password", type: "password", required: true,
                hint: "The user can change it on this page."},
            {name: "admin", label: "Administrator", type: "checkbox"},
        ], submit: async ({username, password, admin}) => {
            await mlflow.post("users/create", {username, password});
            if (admin) await mlflow.patch("users/update-admin", {username, is_admin: true});
            toast(`${username} can sign in now`);
        }});
        if (done) await this.load();
    }

    changePassword(username, own) {
        const title = own ? "Change my password" : `New password of ${username}`;
        return formDialog({title, action: "Change", fields: [
            ...(own ? [{name: "current", label: "Old password", type: "password", required: true}] : []),
            {name: "password", label: "New password", type: "password", required: true},
            {name: "again", label: "New password, once more", type: "password", required: true},
        ], submit: async ({current, password, again}) => {
            if (password !== again) throw new Error("The two new passwords are not the same.");
            await mlflow.patch("users/update-password", {username, password, current_password: current});
            toast(own ? "Changed. The browser will ask for it." : "Changed");
        }});
    }

    setAdmin(user) {
        return this.change(() => mlflow.patch("users/update-admin",
            {username: user.username, is_admin: !user.is_admin}));
    }

    async remove(user) {
        if (await confirmDialog(`Delete ${user.username}?`,
            "Their tokens and permissions go with them; what they logged stays.", "Delete",
            () => mlflow.delete("users/delete", {username: user.username}))) await this.load();
    }

    async createToken() {
        const day = 86400;
        const done = await formDialog({title: "New token", action: "Make", fields: [
            {name: "name", label: "Name", hint: "What it is for."},
            {name: "life", label: "Ends after", type: "select", value: String(90 * day), options: [
                [String(day), "a day"], [String(30 * day), "30 days"], [String(90 * day), "90 days"],
                [String(365 * day), "a year"], ["0", "never"]]},
        ], submit: async ({name, life}) => {
            const reply = await mlflow.post("users/tokens/create", {name, expires_in: Number(life)});
            this.fresh = reply.token;
        }});
        if (done) await this.load();
    }

    async removeToken(token) {
        if (await confirmDialog("Delete this token?", "Programs that use it are refused from now on.", "Delete",
            () => mlflow.delete("users/tokens/delete", {id: token.id}))) {
            this.fresh = null;
            await this.load();
        }
    }

    async change(action) {
        try {
            await action();
        } catch (error) {
            reportError(error);
        }
        await this.load();
    }
}
