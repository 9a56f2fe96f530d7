#!/usr/bin/env python3
"""Makes the benchmark's data: data.py FOLDER ROWS writes leads_ROWS.csv there, always the same bytes. Needs numpy."""

import pathlib
import sys

import numpy as np

ACTIONS = np.array(["email_click", "form_submit", "web_view"])
EFFECTS = np.array([0.4, 1.9, -0.4])
CHUNK = 100_000


def leads(rng, rows):
    age = rng.integers(18, 71, rows)
    salary = np.round(np.exp(rng.normal(10.9, 0.4, rows))).astype(int)
    visits = np.minimum(rng.gamma(1.7, 6.0, rows).astype(int), 60)
    action = rng.choice(3, rows, p=[0.30, 0.15, 0.55])
    pull = -1.6 + 0.09 * visits + EFFECTS[action] - 0.0012 * (age - 43) ** 2 + 0.9 * (np.log(salary) - 10.9)
    converted = (rng.random(rows) < 1 / (1 + np.exp(-pull))).astype(int)
    return age, salary, visits, ACTIONS[action], converted


def main():
    folder, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    path = folder / f"leads_{rows}.csv"
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    with unfinished.open("w") as f:
        f.write("id,age,salary,web_visits,last_action,converted\n")
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            columns = leads(np.random.default_rng([11, start]), count)
            for number, fields in enumerate(zip(*(column.tolist() for column in columns)), start + 1):
                f.write(f"{number},{','.join(map(str, fields))}\n")
    unfinished.rename(path)


main()
