/* random_name.c: names for what its maker did not name: "quiet-otter-417", as MLflow gives them. */
#include "track/names.h"

#include <sys/random.h>

static const char *const FIRST[] = {
    "able",   "amber",  "bold",   "brave",  "bright", "brisk", "calm",   "clever", "cosmic", "crisp",  "curious",
    "dapper", "dusty",  "eager",  "early",  "fancy",  "fleet", "gentle", "golden", "grand",  "handy",  "happy",
    "honest", "humble", "icy",    "jolly",  "keen",   "kind",  "lively", "lucky",  "merry",  "mighty", "modest",
    "neat",   "nimble", "noble",  "plucky", "polite", "proud", "quick",  "quiet",  "rapid",  "rare",   "salty",
    "sandy",  "serene", "sharp",  "silent", "silver", "sleek", "smooth", "snowy",  "steady", "stern",  "sunny",
    "swift",  "tidy",   "upbeat", "vivid",  "warm",   "wise",  "witty",  "young",  "zesty",
};
static const char *const SECOND[] = {
    "badger", "bear",  "beaver", "bee",    "bison", "carp",   "cat",   "colt",  "crab",  "crane", "crow",
    "deer",   "dove",  "duck",   "eagle",  "elk",   "falcon", "finch", "fox",   "frog",  "gnu",   "goose",
    "hare",   "hawk",  "heron",  "horse",  "hound", "ibis",   "jay",   "kite",  "koi",   "lark",  "lion",
    "lynx",   "mole",  "moose",  "moth",   "mouse", "mule",   "newt",  "otter", "owl",   "panda", "perch",
    "pike",   "pony",  "quail",  "rabbit", "ram",   "raven",  "robin", "seal",  "shark", "sheep", "shrew",
    "snail",  "stork", "swan",   "tern",   "toad",  "trout",  "whale", "wolf",  "wren",
};

const char *ch_random_name(ch_arena *arena)
{
    unsigned draw[3];
    while (getrandom(draw, sizeof draw, 0) != sizeof draw) {
    }
    return ch_arena_printf(arena, "%s-%s-%u", FIRST[draw[0] % (sizeof FIRST / sizeof *FIRST)],
                           SECOND[draw[1] % (sizeof SECOND / sizeof *SECOND)], draw[2] % 1000);
}
