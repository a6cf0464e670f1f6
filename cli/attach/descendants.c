/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/descendants.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct process {
    pid_t pid;
    pid_t parent;
    bool is_descendant;
};

struct processes {
    struct process *all;
    size_t count, size;
};

/* proc_pid_stat(5): the state is behind the name, then the parent; the time of birth is number 22.
 */
static bool read_stat(const char *name, char *ret_state, pid_t *ret_parent, uint64_t *ret_birth)
{
    char path[300], text[1024];
    snprintf(path, sizeof(path), "/proc/%s/stat", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char *field = fgets(text, sizeof(text), file) != NULL ? strrchr(text, ')') : NULL;
    fclose(file);
    if (field == NULL || strlen(field) < 4)
        return false;
    *ret_state = field[2];
    *ret_parent = (pid_t)strtol(field + 3, NULL, 10);
    for (int number = 2; field != NULL && number < 22; number++)
        field = strchr(field + 1, ' ');
    if (field == NULL)
        return false;
    *ret_birth = strtoull(field, NULL, 10);
    return true;
}

uint64_t descendants_birth(pid_t pid)
{
    char name[24], state;
    pid_t parent;
    uint64_t birth;
    snprintf(name, sizeof(name), "%d", (int)pid);
    return read_stat(name, &state, &parent, &birth) ? birth : 0;
}

static void add(struct processes *list, const struct process *process)
{
    if (list->count == list->size) {
        const size_t size = list->size != 0 ? 2 * list->size : 256;
        struct process *all = realloc(list->all, size * sizeof(*all));
        if (all == NULL)
            return; /* the next pass finds it */
        list->all = all;
        list->size = size;
    }
    list->all[list->count++] = *process;
}

/* Everybody who lives and began in time. */
static void list_processes(struct processes *list, uint64_t since)
{
    list->count = 0;
    DIR *directory = opendir("/proc");
    if (directory == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        struct process process = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};
        char state;
        uint64_t birth;
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_stat(entry->d_name, &state, &process.parent, &birth) && birth >= since &&
            state != 'Z' && state != 'X')
            add(list, &process);
    }
    closedir(directory);
}

static bool is_descendant(const struct processes *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->all[i].pid == pid)
            return list->all[i].is_descendant;
    return pid == getpid();
}

/* Marks whose parent is marked, until nobody is left to mark. How many there are. */
static size_t mark(struct processes *list)
{
    size_t marked = 0, before;
    do {
        before = marked;
        for (size_t i = 0; i < list->count; i++) {
            struct process *p = &list->all[i];
            if (p->is_descendant || p->pid == getpid() ||
                (p->parent != getpid() && !is_descendant(list, p->parent)))
                continue;
            p->is_descendant = true;
            marked++;
        }
    } while (marked != before);
    return marked;
}

static void signal_marked(const struct processes *list, int signal)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->all[i].is_descendant)
            kill(list->all[i].pid, signal);
}

static void reap(void)
{
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

void descendants_kill(uint64_t since)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    struct processes list = {0};
    size_t seen = 0;
    for (;;) {
        list_processes(&list, since);
        const size_t count = mark(&list);
        if (count == 0)
            break;
        /* Who forks faster than it is killed is stopped first. */
        signal_marked(&list, count > seen ? SIGSTOP : SIGKILL);
        if (count <= seen)
            signal_marked(&list, SIGCONT);
        seen = count;
        reap();
        nanosleep(&moment, NULL);
    }
    reap();
    free(list.all);
}
