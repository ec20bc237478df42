/* A disk that is full from some change on: what is written below a folder fails with ENOSPC, as the system would say.
 * Preloaded; disk_of names the folder and after how many changes it is full, disk_changes counts them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long room = -1, changes;

void disk_of(const char *path, long after)
{
    snprintf(folder, sizeof folder, "%s/", path);
    room = after;
    changes = 0;
}

long disk_changes(void) { return changes; }

static int full(const char *path)
{
    if (room < 0 || strncmp(path, folder, strlen(folder)))
        return 0;
    if (++changes <= room)
        return 0;
    errno = ENOSPC;
    return 1;
}

static int full_file(int file)
{
    char link[64], path[PATH_MAX];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0)
        return 0;
    path[length] = 0;
    return full(path);
}

#define NEXT(kind, name, ...) ((kind (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

/* The write that meets the end of the disk is a short one; the next says why. */
ssize_t write(int file, const void *data, size_t size)
{
    if (!full_file(file))
        return NEXT(ssize_t, "write", int, const void *, size_t)(file, data, size);
    if (changes == room + 1 && size > 1)
        return NEXT(ssize_t, "write", int, const void *, size_t)(file, data, size / 2);
    errno = ENOSPC;
    return -1;
}

#define PLACED(name)                                                                                                   \
    ssize_t name(int file, const void *data, size_t size, off_t at)                                                    \
    {                                                                                                                  \
        if (full_file(file))                                                                                           \
            return -1;                                                                                                 \
        return NEXT(ssize_t, #name, int, const void *, size_t, off_t)(file, data, size, at);                           \
    }
PLACED(pwrite)
PLACED(pwrite64)

#define OPENED(name)                                                                                                   \
    int name(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, int) : 0;                                              \
        va_end(rest);                                                                                                  \
        if (flags & O_CREAT && access(path, F_OK) && full(path))                                                       \
            return -1;                                                                                                 \
        return NEXT(int, #name, const char *, int, ...)(path, flags, mode);                                            \
    }
OPENED(open)
OPENED(open64)

int mkdir(const char *path, mode_t mode)
{
    return full(path) ? -1 : NEXT(int, "mkdir", const char *, mode_t)(path, mode);
}
