/* A faulty file layer under the database, for the suite `disk`: loaded before the C library by LD_PRELOAD, it fails
 * what the control file says, and remembers what would be on the platter if the machine lost its power now.
 *
 * FAULTY_FOLDER holds:
 *   control  a byte: what fails: 0 nothing, 'f' syncs of the log (EIO), 'w' writes to the log (EIO), 'r' every write
 *            under the data folder, as on a disk that turned read-only (EROFS)
 *   states   a byte for each 4096-byte page of the log's file: 0 on the platter, 1 changed since the last sync,
 *            2 lost: a sync of it failed, so the system calls it clean although the platter has the old bytes
 *   platter  the old bytes of every page that is not on the platter, at their place
 * Only the log (…-wal) is remembered: the suite cuts the power of nothing else. FAULTY_DATA is the data folder.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096L
#define PAGES (1L << 18)

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile unsigned char *control;
static unsigned char *states;
static int platter = -1;
static const char *data;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);
static int (*real_unlink)(const char *);

static int raw_open(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return real_open(path, O_RDWR | O_CLOEXEC);
}

static void *map(int file, size_t length) {
    void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return at == MAP_FAILED ? NULL : at;
}

static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_open = dlsym(RTLD_NEXT, "open64");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    const char *folder = getenv("FAULTY_FOLDER");
    data = getenv("FAULTY_DATA");
    if (folder == NULL || data == NULL) return;
    int file = raw_open(folder, "control");
    if (file >= 0) control = map(file, 1);
    file = raw_open(folder, "states");
    if (file >= 0) states = map(file, PAGES);
    platter = raw_open(folder, "platter");
}

/* 1: under the data folder, 2: the log. Sockets, pipes and deleted files are neither. */
static int kind_of(const char *path) {
    size_t length = strlen(data), whole = strlen(path);
    if (strncmp(path, data, length) != 0 || path[length] != '/') return 0;
    return whole > 4 && strcmp(path + whole - 4, "-wal") == 0 ? 2 : 1;
}

static int kind(int file) {
    char link[64], path[4096];
    pthread_once(&once, begin);
    if (control == NULL || states == NULL || platter < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return kind_of(path);
}

static int fails(int of, unsigned char what) {
    unsigned char mode = control[0];
    if (mode == 'r' && of >= 1) return EROFS;
    return of == 2 && mode == what ? EIO : 0;
}

/* Before the log is changed: keeps the bytes that the platter has. */
static void remember(int file, off_t from, size_t length) {
    char old[PAGE];
    for (long page = from / PAGE; page <= (long)(from + length - 1) / PAGE && page < PAGES; page++) {
        if (states[page] == 0) {
            memset(old, 0, PAGE);
            if (real_pread(file, old, PAGE, page * PAGE) >= 0 && real_pwrite(platter, old, PAGE, page * PAGE) != PAGE)
                abort();
        }
        states[page] = 1;
    }
}

static void synced(int failed) {
    for (long page = 0; page < PAGES; page++)
        if (states[page] == 1) states[page] = failed ? 2 : 0;
}

static ssize_t put(int file, const void *bytes, size_t length, off_t at) {
    int of = kind(file), error = of ? fails(of, 'w') : 0;
    if (error) return errno = error, -1;
    if (of != 2 || length == 0) return real_pwrite(file, bytes, length, at);
    pthread_mutex_lock(&lock);
    remember(file, at, length);
    ssize_t done = real_pwrite(file, bytes, length, at);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return put(file, bytes, length, at); }
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) { return put(file, bytes, length, at); }

ssize_t write(int file, const void *bytes, size_t length) {
    int of = kind(file), error = of ? fails(of, 'w') : 0;
    return error ? (errno = error, -1) : real_write(file, bytes, length);
}

static int sync_of(int file, int (*real)(int)) {
    int of = kind(file), error = of ? fails(of, 'f') : 0;
    if (of != 2) return error ? (errno = error, -1) : real(file);
    pthread_mutex_lock(&lock);
    int done = error ? -1 : real(file);
    if (error != EROFS) synced(done != 0);
    pthread_mutex_unlock(&lock);
    return error ? (errno = error, -1) : done;
}

int fsync(int file) {
    pthread_once(&once, begin);
    return sync_of(file, real_fsync);
}
int fdatasync(int file) {
    pthread_once(&once, begin);
    return sync_of(file, real_fdatasync);
}

static int cut(int file, off_t length) {
    int of = kind(file), error = of ? fails(of, 0) : 0;
    if (error) return errno = error, -1;
    /* The suite asks of the log's content only; a cut log is as good as one of zeros, and counts as on the platter. */
    if (of == 2) memset(states + (length + PAGE - 1) / PAGE, 0, PAGES - (length + PAGE - 1) / PAGE);
    return real_ftruncate(file, length);
}
int ftruncate(int file, off_t length) { return cut(file, length); }
int ftruncate64(int file, off_t length) { return cut(file, length); }

int unlink(const char *path) {
    pthread_once(&once, begin);
    int of = control != NULL && states != NULL ? kind_of(path) : 0, error = of ? fails(of, 0) : 0;
    if (error) return errno = error, -1;
    if (of == 2) memset(states, 0, PAGES);
    return real_unlink(path);
}

static int opening(const char *path, int flags, mode_t mode) {
    pthread_once(&once, begin);
    if (control != NULL && (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) && control[0] == 'r' && kind_of(path) >= 1)
        return errno = EROFS, -1;
    return real_open(path, flags, mode);
}
int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, int);
    va_end(more);
    return opening(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = va_arg(more, int);
    va_end(more);
    return opening(path, flags, mode);
}
