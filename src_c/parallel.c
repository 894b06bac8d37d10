/* Threads, and nothing else: how many, when they are worth it, and who gets which range. The only
 * file that knows OpenMP; without OpenMP (or POSIX threads) everything runs in the calling thread. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "fastact.h"

#include <stdatomic.h>

#if defined(FASTACT_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#define THREADS 1
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#if defined(__linux__)
#include <sched.h>
#endif
#else
#define THREADS 0
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

#if THREADS
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
#if THREADS
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
#if THREADS
    return _OPENMP;
#else
    return 0;
#endif
}

/* ---- when ------------------------------------------------------------------------------------- */

/* Elements from which a call goes parallel, found by `python benchmarks/parallel_threshold.py`.
 * Two cores of a Zen 4, gcc 12, float32, AVX-512: in a row of calls, where the worker is awake, two
 * threads win from 2^13 elements of a cheap function and 2^11 of an exponential one; a single call,
 * which has to wake it, wins from 2^19. These lie between: a row gains from there on, and a single
 * call loses a tenth of a millisecond at the worst. */
static ptrdiff_t thresholds[FASTACT_COSTS] = {
    [FASTACT_CHEAP] = 1 << 17,
    [FASTACT_EXPONENTIAL] = 1 << 15,
};

ptrdiff_t fastact_parallel_threshold(int cost) { return thresholds[cost]; }

void fastact_set_parallel_threshold(int cost, ptrdiff_t elements) { thresholds[cost] = elements; }

/* ---- who -------------------------------------------------------------------------------------- */

#if THREADS

/* The workers are the threads of one OpenMP region that a thread of its own opens at the first
 * parallel call and that does not end: between calls they wait in wait_for_ticket.
 *
 * Why not a region per call: libgomp's barriers spin, for milliseconds and without giving the
 * processor away. A worker that the system wakes on its caller's own processor then waits for the
 * end of the time slice, and so does any other pool of threads (a BLAS, say): 8 ms for a call of
 * 0.05 on two processors, and 16 ms instead of 1 for a step of a NumPy network. Here who waits
 * spins for some microseconds, for calls in a row, and then sleeps. */

enum { SPINS = 20000, MOST_WORKERS = 1023, LEAVE = MOST_WORKERS + 1 };

static struct {
    /* What the workers are to do: a count of calls times (LEAVE + 1), plus the number of chunks, or
     * LEAVE. One word, so that a worker that a call does not need may look at it at any time. */
    atomic_ulong ticket;
    atomic_int unfinished; /* chunks of the workers */
    atomic_int workers;    /* in the region; 0 before it is open */
    /* The call: written before its ticket, read by those whom the ticket concerns. */
    ptrdiff_t n, lead, granule;
    fastact_body *body;
    void *context;
    int wanted; /* workers, for the next region */
    pthread_t handles[MOST_WORKERS];
    int avoided; /* the processor that the workers leave to the caller; -1: none yet */
    /* For those who sleep. */
    pthread_mutex_t mutex;
    pthread_cond_t changed, finished;
} team = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .avoided = -1,
          .changed = PTHREAD_COND_INITIALIZER,
          .finished = PTHREAD_COND_INITIALIZER};

/* One caller at a time has the team; others run serially meanwhile. */
static atomic_flag team_is_taken = ATOMIC_FLAG_INIT;

/* A child of fork has none of the threads: it runs serially. */
static atomic_int forked;

static void in_child(void) { atomic_store(&forked, 1); }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, in_child); }

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

static void run_chunk(int i, int chunks)
{
    ptrdiff_t begin = chunk_begin(team.n, team.lead, team.granule, i, chunks);
    ptrdiff_t end = chunk_begin(team.n, team.lead, team.granule, i + 1, chunks);
    if (begin < end) team.body(team.context, begin, end);
}

static unsigned long wait_for_ticket(unsigned long seen)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&team.ticket) != seen) return atomic_load(&team.ticket);
    pthread_mutex_lock(&team.mutex);
    while (atomic_load(&team.ticket) == seen) pthread_cond_wait(&team.changed, &team.mutex);
    pthread_mutex_unlock(&team.mutex);
    return atomic_load(&team.ticket);
}

/* Keeps the workers off the caller's processor. Where processors share no cache in the system's eyes,
 * as in small virtual machines, it wakes a worker on the caller's and leaves it there, next to an
 * idle one: two threads then take as long as one. The workers' affinity is nobody else's concern;
 * it stays within the caller's. */
static void leave_room_for_the_caller(void)
{
#if defined(__linux__)
    int now = sched_getcpu();
    cpu_set_t allowed;
    if (now == team.avoided || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    team.avoided = now;
    if (CPU_COUNT(&allowed) > 1) CPU_CLR(now, &allowed);
    for (int i = 0; i < atomic_load(&team.workers); i++)
        pthread_setaffinity_np(team.handles[i], sizeof allowed, &allowed);
#endif
}

static void post_ticket(int chunks)
{
    unsigned long calls = atomic_load(&team.ticket) / (LEAVE + 1) + 1;
    pthread_mutex_lock(&team.mutex);
    atomic_store(&team.ticket, calls * (LEAVE + 1) + (unsigned long)chunks);
    pthread_cond_broadcast(&team.changed);
    pthread_mutex_unlock(&team.mutex);
}

static void finish_one(void)
{
    if (atomic_fetch_sub(&team.unfinished, 1) > 1) return;
    pthread_mutex_lock(&team.mutex);
    pthread_cond_signal(&team.finished);
    pthread_mutex_unlock(&team.mutex);
}

static void wait_for_the_workers(void)
{
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&team.unfinished) == 0) return;
    pthread_mutex_lock(&team.mutex);
    while (atomic_load(&team.unfinished) > 0) pthread_cond_wait(&team.finished, &team.mutex);
    pthread_mutex_unlock(&team.mutex);
}

/* What a worker does all its life; the caller is number 0. */
static void work(int number, unsigned long seen)
{
    for (;;) {
        seen = wait_for_ticket(seen);
        int chunks = (int)(seen % (LEAVE + 1));
        if (chunks == LEAVE) return;
        if (number >= chunks) continue;
        run_chunk(number, chunks);
        finish_one();
    }
}

static void *keep_team(void *unused)
{
    (void)unused;
    for (;;) {
        unsigned long seen = atomic_load(&team.ticket);
#pragma omp parallel num_threads(team.wanted)
        {
            team.handles[omp_get_thread_num()] = pthread_self();
#pragma omp barrier
            if (omp_get_thread_num() == 0) {
                pthread_mutex_lock(&team.mutex);
                atomic_store(&team.workers, omp_get_num_threads());
                pthread_cond_signal(&team.finished);
                pthread_mutex_unlock(&team.mutex);
            }
            work(omp_get_thread_num() + 1, seen);
        }
    }
    return NULL;
}

/* Has the team hold so many workers, if the system lets it; returns how many it holds. A team only
 * grows. */
static int ensure_workers(int wanted)
{
    int have = atomic_load(&team.workers);
    if (wanted > MOST_WORKERS) wanted = MOST_WORKERS;
    if (have >= wanted || team.wanted >= wanted) return have;
    team.wanted = wanted;
    team.avoided = -1;
    if (have) {
        atomic_store(&team.workers, 0);
        post_ticket(LEAVE);
    } else {
        /* Signals are for the threads of the program. */
        sigset_t all, callers;
        pthread_t keeper;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &callers);
        int failed = pthread_create(&keeper, NULL, keep_team, NULL);
        pthread_sigmask(SIG_SETMASK, &callers, NULL);
        if (failed) {
            team.wanted = 0; /* another call may have more luck */
            return 0;
        }
        pthread_detach(keeper);
    }
    pthread_mutex_lock(&team.mutex);
    while (atomic_load(&team.workers) == 0) pthread_cond_wait(&team.finished, &team.mutex);
    pthread_mutex_unlock(&team.mutex);
    return atomic_load(&team.workers);
}

/* Whether the team has done it. */
static int run_team(ptrdiff_t n, ptrdiff_t lead, ptrdiff_t granule, int threads,
                    fastact_body *body, void *context)
{
    int workers = ensure_workers(threads - 1);
    if (workers == 0) return 0;
    if (threads > workers + 1) threads = workers + 1;
    team.n = n, team.lead = lead, team.granule = granule;
    team.body = body, team.context = context;
    atomic_store(&team.unfinished, threads - 1);
    leave_room_for_the_caller();
    post_ticket(threads);
    run_chunk(0, threads);
    wait_for_the_workers();
    return 1;
}

#endif

void fastact_parallel(ptrdiff_t n, ptrdiff_t least, ptrdiff_t lead, ptrdiff_t granule,
                      fastact_body *body, void *context)
{
    if (n <= 0) return;
#if THREADS
    if (least < 1) least = 1;
    if (n / least >= 2 && !atomic_load(&forked) && !omp_in_parallel()) {
        int threads = fastact_get_num_threads();
        if (threads > n / least) threads = (int)(n / least);
        if (threads > 1 && !atomic_flag_test_and_set(&team_is_taken)) {
            int done = run_team(n, lead, granule, threads, body, context);
            atomic_flag_clear(&team_is_taken);
            if (done) return;
        }
    }
#else
    (void)least, (void)lead, (void)granule;
#endif
    body(context, 0, n);
}
