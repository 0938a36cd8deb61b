/* Stands in front of the C library.
 *
 * What the name service says of names that end in ".example" is in the file $TEST_NAMES: "hang",
 * "unknown", or an address. By how many seconds the wall clock has been set is in $TEST_CLOCK. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    const char *path = getenv("TEST_NAMES");
    int is_number = hints && (hints->ai_flags & AI_NUMERICHOST);
    size_t length = node ? strlen(node) : 0;
    char word[64] = "unknown";
    FILE *file;

    if (!path || is_number || length < 8 || strcmp(node + length - 8, ".example"))
        return next(node, service, hints, result);
    file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%63s", word) != 1)
            strcpy(word, "unknown");
        fclose(file);
    }
    if (!strcmp(word, "hang"))
        for (;;)
            sleep(60);
    if (!strcmp(word, "unknown"))
        return EAI_NONAME;
    return next(word, service, hints, result);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*next)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("TEST_CLOCK");
    int result = next(clock, now);
    long seconds;
    FILE *file;

    if (result == 0 && clock == CLOCK_REALTIME && path && (file = fopen(path, "r"))) {
        if (fscanf(file, "%ld", &seconds) == 1)
            now->tv_sec += seconds;
        fclose(file);
    }
    return result;
}
