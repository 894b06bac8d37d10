/* Calls from several threads at once, with teams that grow, shrink to what a call needs, are taken by
 * another caller and are stopped: for a sanitizer that watches for races. It shows that calls ran at
 * the same time, since a program that is serial has none to be found. */
#define _GNU_SOURCE /* nanosleep */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "fastact.h"

enum { CALLERS = 4, CALLS = 200, N = 1 << 17 };

static double x[N], expected[N];
static atomic_int inside, most_inside, bodies, most_bodies, asked, stopped, wrong;

static void enter(atomic_int *now, atomic_int *most)
{
    int count = atomic_fetch_add(now, 1) + 1, seen = atomic_load(most);
    while (count > seen && !atomic_compare_exchange_weak(most, &seen, count)) continue;
}

static int four(void) { return 4; }

static int stop(void) { return atomic_fetch_add(&asked, 1) % 2; }

static fastact_call mish;

static int call(double *y)
{
    char *operands[] = {(char *)x, (char *)y};
    ptrdiff_t strides[] = {sizeof *x, sizeof *y};
    return fastact_apply(&mish, N, operands, strides);
}

/* A body that writes its own range and shows who else is in one. */
static void count(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    enter(&bodies, &most_bodies);
    char *seen = context;
    for (ptrdiff_t i = begin; i < end; i++) seen[i]++;
    atomic_fetch_sub(&bodies, 1);
}

/* The same, and so slow that it is asked whether to go on. */
static void count_slowly(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    count(context, begin, end);
}

static void *work(void *unused)
{
    double *y = malloc(sizeof expected);
    char *seen = calloc(N, 1);
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        enter(&inside, &most_inside);
        if (call(y) == 0)
            for (int k = 0; k < N; k++) atomic_fetch_add(&wrong, y[k] != expected[k]);
        if (fastact_parallel(N, 1 << 10, 3, 64, count, seen) == 0)
            for (int k = 0; k < N; k++) atomic_fetch_add(&wrong, seen[k] != 1);
        if (i % 50 == 0) {
            fastact_set_num_threads(1 + i / 50 % 4);
            if (fastact_parallel(N, 1 << 10, 3, 64, count_slowly, seen)) atomic_fetch_add(&stopped, 1);
        }
        for (int k = 0; k < N; k++) seen[k] = 0; /* a call that has been stopped is over, too */
        atomic_fetch_sub(&inside, 1);
    }
    free(y);
    free(seen);
    return NULL;
}

int main(void)
{
    pthread_t callers[CALLERS];
    fastact_select_isa("baseline");
    fastact_threads_init(0, 0);
    fastact_bind(&mish, fastact_find("mish"), FASTACT_VALUE, FASTACT_FLOAT64, FASTACT_FLOAT64,
                 FASTACT_EXPONENTIAL);
    for (int i = 0; i < N; i++) x[i] = 10.0 * i / N - 5;
    fastact_set_num_threads(1);
    call(expected);
    fastact_set_num_threads(2);
    call(expected); /* a small team first, which is to grow */
    fastact_set_num_threads(0);
    fastact_ask_for_threads(four);
    fastact_ask_whether_to_stop(stop);
    for (int i = 0; i < CALLERS; i++) pthread_create(&callers[i], NULL, work, NULL);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
    printf("%d calls at once, %d bodies at once, asked %d times, %d stopped, %d wrong\n",
           atomic_load(&most_inside), atomic_load(&most_bodies), atomic_load(&asked),
           atomic_load(&stopped), atomic_load(&wrong));
    return wrong || most_inside < 2 || most_bodies < 3 || !asked || !stopped;
}
