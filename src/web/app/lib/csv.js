// Reads CSV and TSV (RFC 4180): quotes, doubled quotes, line breaks inside quotes.

/** Rows of strings; at most `limit` of them. */
export function parseCsv(text, separator = ",", limit = 100000) {
    const rows = [];
    let row = [], cell = "", quoted = false;
    for (let i = 0; i < text.length && rows.length < limit; i++) {
        const c = text[i];
        if (quoted) {
            if (c !== "\"") cell += c;
            else if (text[i + 1] === "\"") cell += text[++i];
            else quoted = false;
        } else if (c === "\"" && cell === "") {
            quoted = true;
        } else if (c === separator) {
            row.push(cell);
            cell = "";
        } else if (c === "\n" || c === "\r") {
            if (c === "\r" && text[i + 1] === "\n") i++;
            row.push(cell);
            if (row.length > 1 || cell) rows.push(row);
            [row, cell] = [[], ""];
        } else {
            cell += c;
        }
    }
    if ((cell || row.length) && rows.length < limit) rows.push([...row, cell]);
    return rows;
}
