/* Threads, and nothing else: how many, when they are worth it, and who gets which range. The only
 * file that knows OpenMP; without OpenMP everything runs in the calling thread. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "fastact.h"

#include <stdatomic.h>

#ifdef FASTACT_OPENMP
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__linux__)
#include <sched.h>
#endif

/* ---- how many --------------------------------------------------------------------------------- */

static atomic_int requested;      /* by set_num_threads or FASTACT_NUM_THREADS; 0: nobody has */
static int initially_requested;   /* by FASTACT_NUM_THREADS */
static int fallback_limit;        /* the quota, where nobody has requested a number; 0: none */
static _Thread_local int override; /* in this thread only; 0: none */

void fastact_threads_init(int n, int limit)
{
    initially_requested = n;
    atomic_store(&requested, n);
    fallback_limit = limit;
}

void fastact_set_num_threads(int n) { atomic_store(&requested, n ? n : initially_requested); }

int fastact_override_num_threads(int n)
{
    int before = override;
    override = n;
    return before;
}

#ifdef FASTACT_OPENMP
static int affinity_limit(void)
{
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    return 0;
}
#endif

int fastact_get_num_threads(void)
{
#ifdef FASTACT_OPENMP
    int wanted = override ? override : atomic_load(&requested);
    int limit = omp_get_max_threads(); /* OMP_NUM_THREADS and threadpoolctl speak through this */
    if (wanted) return wanted < limit ? wanted : limit;
    if (fallback_limit > 0) {
        int affinity = affinity_limit();
        if (fallback_limit < limit) limit = fallback_limit;
        if (affinity > 0 && affinity < limit) limit = affinity;
    }
    return limit;
#else
    return 1;
#endif
}

long fastact_openmp_version(void)
{
#ifdef FASTACT_OPENMP
    return _OPENMP;
#else
    return 0;
#endif
}

/* ---- when ------------------------------------------------------------------------------------- */

/* Elements from which a call goes parallel, found by `python benchmarks/parallel_threshold.py`.
 * Two cores of a Zen 4, gcc 12, float32, AVX-512: in a row of calls, where the second thread still
 * spins, two threads win from 2^15 elements of a cheap function and 2^12 of an exponential one; a
 * single call that has to wake it wins from 2^20 and 2^18. These lie between: a row gains at most
 * sizes, and a single call loses some tens of microseconds at the worst. */
static ptrdiff_t thresholds[FASTACT_COSTS] = {
    [FASTACT_CHEAP] = 1 << 17,
    [FASTACT_EXPONENTIAL] = 1 << 15,
};

ptrdiff_t fastact_parallel_threshold(int cost) { return thresholds[cost]; }

void fastact_set_parallel_threshold(int cost, ptrdiff_t elements) { thresholds[cost] = elements; }

/* ---- who -------------------------------------------------------------------------------------- */

#ifdef FASTACT_OPENMP

/* libgomp keeps a team for every thread that ever opened one, so one caller at a time owns the
 * team and the others run serially meanwhile. */
static atomic_flag team_is_taken = ATOMIC_FLAG_INIT;

/* A child of fork has libgomp's bookkeeping of a team but not its threads, and would wait for them
 * for ever: it runs serially. */
static atomic_int forked;

#if defined(__unix__) || defined(__APPLE__)
static void in_child(void) { atomic_store(&forked, 1); }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, in_child); }
#endif

/* Where chunk i of `chunks` begins. */
static ptrdiff_t chunk_begin(ptrdiff_t n, ptrdiff_t lead, ptrdiff_t granule, int i, int chunks)
{
    if (i <= 0) return 0;
    if (i >= chunks) return n;
    ptrdiff_t granules = (n - lead + granule - 1) / granule;
    /* granules * i / chunks without overflow for any n */
    ptrdiff_t before = granules / chunks * i + granules % chunks * i / chunks;
    ptrdiff_t begin = lead + before * granule;
    return begin < n ? begin : n;
}

static void run_team(ptrdiff_t n, ptrdiff_t lead, ptrdiff_t granule, int threads,
                     fastact_body *body, void *context)
{
#pragma omp parallel num_threads(threads)
    {
        int team = omp_get_num_threads(), i = omp_get_thread_num();
        ptrdiff_t begin = chunk_begin(n, lead, granule, i, team);
        ptrdiff_t end = chunk_begin(n, lead, granule, i + 1, team);
        if (begin < end) body(context, begin, end);
    }
}

#endif

void fastact_parallel(ptrdiff_t n, ptrdiff_t least, ptrdiff_t lead, ptrdiff_t granule,
                      fastact_body *body, void *context)
{
    if (n <= 0) return;
#ifdef FASTACT_OPENMP
    /* `if` outside the parallel region: a region that runs alone still costs 500 ns. */
    if (least < 1) least = 1;
    if (n / least >= 2 && !atomic_load(&forked) && !omp_in_parallel()) {
        int threads = fastact_get_num_threads();
        if (threads > n / least) threads = (int)(n / least);
        if (threads > 1 && !atomic_flag_test_and_set(&team_is_taken)) {
            run_team(n, lead, granule, threads, body, context);
            atomic_flag_clear(&team_is_taken);
            return;
        }
    }
#else
    (void)least, (void)lead, (void)granule;
#endif
    body(context, 0, n);
}
