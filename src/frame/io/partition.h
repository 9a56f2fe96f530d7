/* partition.h: partition folders: key=value in the paths of data files, as columns. */
#ifndef CHERT_FRAME_PARTITION_H
#define CHERT_FRAME_PARTITION_H

#include "frame/io/source_files.h"

/* Finds the partition columns of files, folders[i] being the folder of files[i], below the roots (or `base`): types are
 * inferred (PartitioningUtils.inferPartitionColumnValue) unless `schema` has them. Sets files[i].values; files outside
 * of partition folders keep NULL. err: CONFLICTING_PARTITION_COLUMN_NAMES, CONFLICTING_DIRECTORY_STRUCTURES, ... */
int ch_partitions_find(ch_session *s, ch_arena *arena, size_t n, ch_file *files, const char *const *folders,
                       size_t nroot, const char *const *roots, const char *base, const ch_schema *schema,
                       ch_schema *out, ch_error *err);

#endif
