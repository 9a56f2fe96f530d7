/* source_files.h: which files a path of a data source means: globs, folders of part files, partition folders key=value;
 * what Spark's InMemoryFileIndex and PartitioningUtils find on a local file system. */
#ifndef CHERT_FRAME_SOURCE_FILES_H
#define CHERT_FRAME_SOURCE_FILES_H

#include "frame/text/text_options.h"

typedef struct ch_file {
    const char *path; /* absolute */
    int64_t size, mtime_ns;
    const ch_literal *values; /* of the partition columns */
} ch_file;

typedef struct ch_files {
    size_t n;
    ch_file *files;       /* folder by folder, by name */
    ch_schema partitions; /* key=value folders, outermost first */
    size_t nroot;
    const char **roots; /* what the paths stood for, as absolute paths */
    bool root_is_file;  /* a single path that is a file */
} ch_files;

/* Options read: path, recursiveFileLookup, pathGlobFilter, basePath. `schema` (may be NULL) is the user's and may type
 * partition columns. err: PATH_NOT_FOUND, CONFLICTING_DIRECTORY_STRUCTURES, ... */
int ch_files_find(ch_session *s, ch_arena *arena, size_t npath, const char **paths, const ch_options *options,
                  const ch_schema *schema, ch_files *out, ch_error *err);
/* "file:/a/b", "file:///a/b" and relative paths as absolute ones. err: other file systems. */
int ch_local_path(ch_arena *arena, const char *path, const char **out, ch_error *err);
/* Adds paths, sizes and modification times: what has to change for the data to be different. */
void ch_files_stamp(const ch_files *files, ch_buf *out);

/* k=v folder names: %XX for characters a file name should not have. */
void ch_escape_path(ch_buf *out, const char *text);
char *ch_unescape_path(ch_arena *arena, const char *text, size_t len);

#endif
