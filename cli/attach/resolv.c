/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/resolv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_LINKS = 40,
    CONTENT_SIZE = 8192
};

static const char conf_path[] = "/etc/resolv.conf";

/* Directories of the sockets of nscd, systemd-resolved and avahi, which the C library's modules
 * ask. */
static const char *const hidden_directories[] = {"/run/nscd", "/var/run/nscd",
                                                 "/run/systemd/resolve", "/run/avahi-daemon",
                                                 "/var/run/avahi-daemon"};

/* Where /etc/resolv.conf leads: base exists and is canonical, rest below it does not exist ("": all
 * does). */
struct place {
    char base[PATH_MAX];
    char rest[PATH_MAX];
};

/* Appends a line to content if it fits. */
static void append(char *content, const char *format, const char *text)
{
    size_t used = strlen(content);
    int size = snprintf(content + used, CONTENT_SIZE - used, format, text);
    if (size < 0 || (size_t)size >= CONTENT_SIZE - used)
        content[used] = '\0';
}

static bool is_kept(const char *line)
{
    static const char *const words[] = {"search", "domain", "options"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t size = strlen(words[i]);
        if (strncmp(line, words[i], size) == 0 && (line[size] == ' ' || line[size] == '\t'))
            return true;
    }
    return false;
}

static void compose(const struct resolv_servers *servers, char content[CONTENT_SIZE])
{
    char line[1024];
    content[0] = '\0';
    for (unsigned i = 0; i < servers->count; i++)
        append(content, "nameserver %s\n", servers->text[i]);
    FILE *host = fopen(conf_path, "re");
    if (!host)
        return;
    while (fgets(line, sizeof(line), host)) {
        line[strcspn(line, "\n")] = '\0';
        if (is_kept(line))
            append(content, "%s\n", line);
    }
    fclose(host);
}

/* Replaces path by what it links to, as often as it is a link. */
static int follow(char path[PATH_MAX])
{
    for (int i = 0; i < MAX_LINKS; i++) {
        char target[PATH_MAX], joined[2 * PATH_MAX];
        ssize_t size = readlink(path, target, sizeof(target) - 1);
        if (size < 0)
            return 0;
        target[size] = '\0';
        char *slash = strrchr(path, '/');
        int prefix = target[0] == '/' || !slash ? 0 : (int)(slash - path) + 1;
        int length = snprintf(joined, sizeof(joined), "%.*s%s", prefix, path, target);
        if (length < 0 || length >= PATH_MAX)
            return -ENAMETOOLONG;
        memcpy(path, joined, (size_t)length + 1);
    }
    return -ELOOP;
}

static int locate(struct place *ret_place)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", conf_path);
    int error = follow(path);
    if (error < 0)
        return error;
    size_t whole = strlen(path);
    char full[PATH_MAX];
    memcpy(full, path, whole + 1);
    while (!realpath(path, ret_place->base)) {
        char *slash = strrchr(path, '/');
        if (errno != ENOENT || !slash || slash == path)
            return errno == ENOENT ? -ENOENT : -errno;
        *slash = '\0';
    }
    size_t used = strlen(path);
    snprintf(ret_place->rest, PATH_MAX, "%s", used < whole ? full + used + 1 : "");
    return 0;
}

static bool is_below(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

/* A directory in which a tmpfs hides nothing that we are going to look up. */
static const char *choose_stage(const struct place *place)
{
    static const char *const candidates[] = {"/tmp", "/mnt", "/var/tmp", "/usr"};
    struct stat status;
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
        if (lstat(candidates[i], &status) == 0 && S_ISDIR(status.st_mode) &&
            !is_below(place->base, candidates[i]))
            return candidates[i];
    return NULL;
}

static int bind_over(const char *source, const char *target)
{
    return mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0 ? -errno : 0;
}

static int write_file(const char *path, const char *content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    size_t size = strlen(content);
    int error = write(fd, content, size) == (ssize_t)size ? 0 : -EIO;
    fchmod(fd, 0644);
    close(fd);
    return error;
}

/* Makes the missing directories of base/rest and writes the file there. */
static int write_below(const char *base, const char *rest, const char *content)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", base, rest);
    for (char *slash = path + strlen(base) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    return write_file(path, content);
}

/* Shows the entry name of directory fd in the copy, by a bind, or by a copy where it is a link. */
static int show_entry(int fd, const char *base, const char *copy, const char *name)
{
    char source[2 * PATH_MAX], target[2 * PATH_MAX], link[PATH_MAX];
    struct stat status;
    snprintf(source, sizeof(source), "%s/%s", base, name);
    snprintf(target, sizeof(target), "%s/%s", copy, name);
    if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISLNK(status.st_mode)) {
        ssize_t size = readlinkat(fd, name, link, sizeof(link) - 1);
        link[size < 0 ? 0 : size] = '\0';
        return symlink(link, target) < 0 ? -errno : 0;
    }
    int error = S_ISDIR(status.st_mode) ? mkdir(target, 0755) : write_file(target, "");
    return error < 0 ? error : bind_over(source, target);
}

/* Covers base by a copy in the tmpfs at stage that has every old entry and our file at rest. */
static int cover_directory(const char *stage, const struct place *place, const char *content)
{
    char copy[64];
    struct stat status;
    const struct dirent *entry;
    snprintf(copy, sizeof(copy), "%s/cover", stage);
    DIR *directory = opendir(place->base);
    if (!directory)
        return -errno;
    if (fstat(dirfd(directory), &status) < 0 || mkdir(copy, 0755) < 0) {
        int error = -errno;
        closedir(directory);
        return error;
    }
    chmod(copy, status.st_mode & 07777);
    /* An entry that cannot be shown, because it went away or is locked, is missed: no reason to
     * give up. */
    while ((entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)show_entry(dirfd(directory), place->base, copy, entry->d_name);
    closedir(directory);
    int error = write_below(copy, place->rest, content);
    return error < 0 ? error : bind_over(copy, place->base);
}

static bool is_same_filesystem(const char *a, const char *b)
{
    struct stat status_a, status_b;
    return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 && status_a.st_dev == status_b.st_dev;
}

static int hide_directories(const char *stage)
{
    int first_error = 0;
    for (size_t i = 0; i < sizeof(hidden_directories) / sizeof(hidden_directories[0]); i++) {
        char empty[64];
        struct stat status;
        const char *directory = hidden_directories[i];
        /* /var/run is /run on most hosts: then it is hidden already. */
        if (stat(directory, &status) < 0 || is_same_filesystem(directory, stage))
            continue;
        snprintf(empty, sizeof(empty), "%s/empty%zu", stage, i);
        int error = mkdir(empty, 0755) < 0 ? -errno : bind_over(empty, directory);
        if (error < 0 && first_error == 0)
            first_error = -error;
    }
    return first_error;
}

static int cover_conf(const char *stage, const char *content)
{
    struct place place;
    char file[64];
    int error = locate(&place);
    if (error < 0)
        return error;
    if (place.rest[0] != '\0') {
        if (strcmp(place.base, "/") == 0)
            return -ENOENT;
        if (is_same_filesystem(place.base, stage))
            return write_below(place.base, place.rest, content);
        return cover_directory(stage, &place, content);
    }
    snprintf(file, sizeof(file), "%s/resolv.conf", stage);
    error = write_file(file, content);
    return error < 0 ? error : bind_over(file, place.base);
}

int resolv_cover(const struct resolv_servers *servers, int *ret_hide_error)
{
    char content[CONTENT_SIZE];
    struct place place;
    *ret_hide_error = 0;
    int error = locate(&place);
    if (error < 0)
        return error;
    const char *stage = choose_stage(&place);
    if (!stage)
        return -ENOENT;
    compose(servers, content);
    if (mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
        return -errno;
    *ret_hide_error = hide_directories(stage);
    error = cover_conf(stage, content);
    umount2(stage, MNT_DETACH);
    return error;
}
