/* Threads, and nothing else: how many, when they are worth it, and who gets which range. The only
 * file that knows OpenMP; without OpenMP (or POSIX threads) everything runs in the calling thread. */
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "fastact.h"

#include <stdatomic.h>
#include <time.h>

#if defined(FASTACT_OPENMP) && (defined(__unix__) || defined(__APPLE__))
#define THREADS 1
#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#else
#define THREADS 0
#endif

/* ---- how many --------------------------------------------------------------------------------- */

static atomic_int requested;      /* by set_num_threads or FASTACT_NUM_THREADS; 0: nobody has */
static int initially_requested;   /* by FASTACT_NUM_THREADS */
static int fallback_limit;        /* the quota, where nobody has requested a number; 0: none */
static fastact_question *_Atomic threads_asked; /* by a block around the caller; NULL: never any */

void fastact_threads_init(int n, int limit)
{
    initially_requested = n;
    atomic_store(&requested, n);
    fallback_limit = limit;
}

void fastact_set_num_threads(int n) { atomic_store(&requested, n ? n : initially_requested); }

void fastact_ask_for_threads(fastact_question *ask) { atomic_store(&threads_asked, ask); }

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
    fastact_question *ask = atomic_load(&threads_asked);
    int wanted = ask ? ask() : 0;
    if (!wanted) wanted = atomic_load(&requested);
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

/* ---- until when ------------------------------------------------------------------------------- */

/* One call, on the stack of its caller. */
typedef struct {
    ptrdiff_t n, least, lead, granule;
    fastact_body *body;
    void *context;
    long long asked; /* when the caller's program was last asked whether to go on */
    atomic_int stop; /* it does not want to */
} task;

/* A thread goes through its part in steps of `least` and can stop between them: a step takes some
 * tens of microseconds, or one row, and a body some nanoseconds for being called again. */
enum { PATIENCE = 50 * 1000 * 1000 /* ns between two questions */ };

static fastact_question *_Atomic stop_asked;

void fastact_ask_whether_to_stop(fastact_question *ask) { atomic_store(&stop_asked, ask); }

static long long now(void)
{
    struct timespec reading;
    timespec_get(&reading, TIME_UTC);
    return reading.tv_sec * 1000000000LL + reading.tv_nsec;
}

/* In the caller's thread: asks, if it is time to. */
static void ask_whether_to_stop(task *t)
{
    fastact_question *ask = atomic_load(&stop_asked);
    if (!ask || atomic_load(&t->stop)) return;
    long long time = now();
    if (time >= t->asked && time - t->asked < PATIENCE) return; /* a clock may be set back */
    if (ask()) atomic_store(&t->stop, 1);
    t->asked = now();
}

static void run_range(task *t, ptrdiff_t begin, ptrdiff_t end, int is_caller)
{
    /* In whole granules; the division first, as `least` may be anything. */
    ptrdiff_t step = (t->least / t->granule + (t->least % t->granule != 0)) * t->granule;
    if (is_caller) t->asked = now();
    while ((end - begin) / 2 >= step + t->lead) {
        ptrdiff_t next = begin + step + (begin == 0 ? t->lead : 0);
        t->body(t->context, begin, next);
        begin = next;
        if (is_caller) ask_whether_to_stop(t);
        if (atomic_load_explicit(&t->stop, memory_order_relaxed)) return;
    }
    t->body(t->context, begin, end);
}

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
    task *task; /* written before its ticket, read by those whom the ticket concerns */
    int wanted; /* workers, for the next region */
    int refused; /* calls since one got fewer workers than it wanted; 0: none did */
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

static void run_chunk(task *t, int i, int chunks)
{
    ptrdiff_t begin = chunk_begin(t->n, t->lead, t->granule, i, chunks);
    ptrdiff_t end = chunk_begin(t->n, t->lead, t->granule, i + 1, chunks);
    if (begin < end) run_range(t, begin, end, i == 0);
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

static void wait_for_the_workers(task *t)
{
    if (atomic_load(&forked)) return; /* while it asked: there are none, and it is to stop */
    for (int i = 0; i < SPINS; i++)
        if (atomic_load(&team.unfinished) == 0) return;
    pthread_mutex_lock(&team.mutex);
    while (atomic_load(&team.unfinished) > 0) {
        struct timespec until;
        timespec_get(&until, TIME_UTC);
        until.tv_nsec += PATIENCE;
        if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
        if (pthread_cond_timedwait(&team.finished, &team.mutex, &until) == ETIMEDOUT) {
            pthread_mutex_unlock(&team.mutex);
            ask_whether_to_stop(t);
            if (atomic_load(&forked)) return;
            pthread_mutex_lock(&team.mutex);
        }
    }
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
        run_chunk(team.task, number, chunks);
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

/* libgomp ends the process where it cannot create a thread, and cannot be asked. So find out first,
 * with threads of the same size that exist all at once: how many can be had, up to `wanted`. Besides
 * them there must be HEADROOM to allocate, and one thread is to spare. */

enum { HEADROOM = 1 << 20 };

/* The stack that the environment asks for, or 0: "size[B|K|M|G]", in units of K by default. */
static size_t stack_size(void)
{
    const char *text = getenv("OMP_STACKSIZE");
    if (!text) text = getenv("GOMP_STACKSIZE");
    if (!text) return 0;
    char *rest;
    size_t size = strtoul(text, &rest, 10);
    while (*rest == ' ' || *rest == '\t') rest++;
    switch (*rest) {
    case 'b': case 'B': return size;
    case 'm': case 'M': return size << 20;
    case 'g': case 'G': return size << 30;
    default: return size << 10;
    }
}

typedef struct {
    pthread_t handle;
    pthread_mutex_t *gate;
    long id;
} trial;

static void *wait_at_gate(void *context)
{
    trial *t = context;
#if defined(__linux__)
    t->id = syscall(SYS_gettid);
#endif
    pthread_mutex_lock(t->gate);
    pthread_mutex_unlock(t->gate);
    return NULL;
}

/* A thread that has been joined counts against the limits of its user a little longer. */
static void wait_until_gone(const trial *t)
{
#if defined(__linux__)
    for (int i = 0; i < 100000 && syscall(SYS_tgkill, getpid(), t->id, 0) == 0; i++) sched_yield();
#else
    (void)t;
#endif
}

static int threads_to_be_had(int wanted)
{
    int had = 0;
    pthread_attr_t like_libgomps;
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    trial *trials = malloc((size_t)(wanted + 1) * sizeof *trials);
    if (!trials || pthread_attr_init(&like_libgomps) != 0) {
        free(trials);
        return 0;
    }
    if (stack_size()) pthread_attr_setstacksize(&like_libgomps, stack_size());
    pthread_mutex_lock(&gate);
    for (; had < wanted + 1; had++) {
        trials[had] = (trial){.gate = &gate};
        if (pthread_create(&trials[had].handle, &like_libgomps, wait_at_gate, &trials[had])) break;
    }
    void *volatile headroom = malloc(HEADROOM);
    int enough = headroom != NULL;
    free(headroom);
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < had; i++) pthread_join(trials[i].handle, NULL);
    for (int i = 0; i < had; i++) wait_until_gone(&trials[i]);
    pthread_attr_destroy(&like_libgomps);
    free(trials);
    return enough && had > 0 ? had - 1 : 0;
}

/* Opens the region anew, larger; the first time a thread for it, too. Returns how many workers there
 * are. */
static int open_team(int have, int wanted)
{
    int more = threads_to_be_had(wanted - have);
    if (more == 0) return have;
    team.wanted = have + more;
    team.avoided = -1;
    atomic_store(&team.workers, 0);
    if (have) {
        post_ticket(LEAVE);
    } else {
        pthread_t keeper;
        if (pthread_create(&keeper, NULL, keep_team, NULL) != 0) return 0;
        pthread_detach(keeper);
    }
    pthread_mutex_lock(&team.mutex);
    while (atomic_load(&team.workers) == 0) pthread_cond_wait(&team.finished, &team.mutex);
    pthread_mutex_unlock(&team.mutex);
    return atomic_load(&team.workers);
}

/* Has the team hold so many workers, if the system lets it; returns how many it holds. A team only
 * grows. Where the system does not let it, most calls do not try again. */
static int ensure_workers(int wanted)
{
    enum { TRY_AGAIN_AFTER = 256 };
    int have = atomic_load(&team.workers);
    if (wanted > MOST_WORKERS) wanted = MOST_WORKERS;
    if (have >= wanted) return have;
    if (team.refused && team.refused++ < TRY_AGAIN_AFTER) return have;
    /* Signals are for the threads of the program. */
    sigset_t all, callers;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &callers);
    have = open_team(have, wanted);
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
    team.refused = have < wanted;
    return have;
}

/* Whether the team has done it, or as much of it as was wanted. */
static int run_team(task *t, int threads)
{
    int workers = ensure_workers(threads - 1);
    if (workers == 0) return 0;
    if (threads > workers + 1) threads = workers + 1;
    team.task = t;
    atomic_store(&team.unfinished, threads - 1);
    leave_room_for_the_caller();
    post_ticket(threads);
    run_chunk(t, 0, threads);
    wait_for_the_workers(t);
    return 1;
}

#endif

int fastact_parallel(ptrdiff_t n, ptrdiff_t least, ptrdiff_t lead, ptrdiff_t granule,
                     fastact_body *body, void *context)
{
    if (n <= 0) return 0;
    if (least < 1) least = 1;
    if (n / least < 2) {
        body(context, 0, n);
        return 0;
    }
    task t = {n, least, lead, granule, body, context, 0, 0};
#if THREADS
    if (!atomic_load(&forked) && !omp_in_parallel()) {
        int threads = fastact_get_num_threads();
        if (threads > n / least) threads = (int)(n / least);
        if (threads > 1 && !atomic_flag_test_and_set(&team_is_taken)) {
            int done = run_team(&t, threads);
            atomic_flag_clear(&team_is_taken);
            if (done) return -atomic_load(&t.stop);
        }
    }
#endif
    run_range(&t, 0, n, 1);
    return -atomic_load(&t.stop);
}
