#!/usr/bin/env python3
"""Makes a CSV file of sales leads, some of whom became customers: make_leads.py FILE [ROWS] [SEED].

The chance to convert rises with web visits and salary, peaks in mid-life and depends on what a lead did last; some
noise is left, so no model can be perfect. The same arguments always make the same file.
"""

import csv
import math
import random
import sys

ACTIONS = {"email_click": (0.30, 0.4), "form_submit": (0.15, 1.9), "web_view": (0.55, -0.4)}  # share, effect


def lead(rng, number):
    age = rng.randint(18, 70)
    salary = round(math.exp(rng.gauss(10.9, 0.4)))
    visits = min(int(rng.gammavariate(1.7, 6.0)), 60)
    action = rng.choices(list(ACTIONS), [share for share, _ in ACTIONS.values()])[0]
    pull = -1.6 + 0.09 * visits + ACTIONS[action][1] - 0.0012 * (age - 43) ** 2 + 0.9 * (math.log(salary) - 10.9)
    converted = rng.random() < 1 / (1 + math.exp(-pull))
    return [number, age, salary, visits, action, int(converted)]


def main():
    path = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["id", "age", "salary", "web_visits", "last_action", "converted"])
        out.writerows(lead(rng, number) for number in range(1, rows + 1))


main()
