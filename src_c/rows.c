/* Brings the rows of any arrays before kernels that know two kinds of tiles, one row and rows side
 * by side, and shares them among threads, or a long row among all of them. Rows that lie as the
 * kernels want them stay where they are; short rows, strides and masks go through tiles that stay
 * in the cache: gather, compute, scatter. */
#include "isa.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fp_environment.h"

enum { OUTER, AXIS, INNER };
enum { X, GRADIENT, RESULT };
enum { ALONG, ACROSS, GATHERED };

enum {
    SHORT = 32,                   /* rows up to this length are brought side by side */
    TILE = 2048,                  /* elements of a gathered tile */
    KEPT_ON_STACK = 2048,         /* exponentials that are kept */
    KEPT = 1 << 15,               /* at most */
    SHARED = 16,                  /* chunks of a row, from which on it is for all threads */
    CHUNK = FASTACT_ROW_CHUNK,
};

typedef struct {
    const fastact_row_call *call;
    const fastact_row_kernels *kernels;
    int way;
    ptrdiff_t rows, width;  /* in all, of a tile */
    ptrdiff_t tiles_inside; /* in the inner dimension */
    int one_a_row[FASTACT_ROW_OPERANDS];     /* rather than n elements */
    ptrdiff_t sizes[FASTACT_ROW_OPERANDS];   /* of an element */
    double reciprocal;                       /* of the temperature */
    uint64_t masked[FASTACT_ROW_OPERANDS];   /* the bits that stand for a masked element */
    int failed; /* a thread got no memory for its tiles */
} job;

static ptrdiff_t least_of(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

static fastact_tile new_tile(const job *j, ptrdiff_t width)
{
    return (fastact_tile){.n = j->call->n, .width = width,
                          .temperature = j->call->temperature, .reciprocal = j->reciprocal};
}

OUT_OF_LINE static void run_tile(const job *j, const fastact_tile *t, int across)
{
    double state[FASTACT_ROW_FIELDS * FASTACT_ROW_WIDTH];
    j->kernels->steps[FASTACT_MAXIMA][across](t, 0, t->n, state);
    for (ptrdiff_t i = 0; i < t->n; i += CHUNK)
        j->kernels->steps[FASTACT_SUMS][across](t, i, least_of(t->n, i + CHUNK), state);
    j->kernels->steps[FASTACT_WRITE][across](t, 0, t->n, state);
}

static char *row_at(const job *j, int operand, ptrdiff_t outer, ptrdiff_t inner)
{
    const ptrdiff_t *strides = j->call->strides[operand];
    char *start = j->call->operands[operand];
    return start ? start + outer * strides[OUTER] + inner * strides[INNER] : NULL;
}

/* ---- rows where they are ----------------------------------------------------------------------- */

static fastact_tile tile_in_place(const job *j, ptrdiff_t k)
{
    ptrdiff_t outer = k / j->tiles_inside, inner = k % j->tiles_inside * j->width;
    fastact_tile t = new_tile(j, least_of(j->width, j->call->inner - inner));
    for (int i = 0; i < FASTACT_ROW_OPERANDS; i++) {
        t.operands[i] = row_at(j, i, outer, inner);
        t.steps[i] = j->call->strides[i][AXIS];
    }
    return t;
}

static int keeps_exponentials(int kernel)
{
    return kernel == FASTACT_SOFTMAX || kernel == FASTACT_LOGSUMEXP_BACKWARD
           || kernel == FASTACT_SOFTMAX_BACKWARD || kernel == FASTACT_LOG_SOFTMAX_BACKWARD;
}

static void run_in_place(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const job *j = context;
    ptrdiff_t needed = j->call->n * j->width;
    double on_stack[KEPT_ON_STACK], *kept = on_stack;
    if (!keeps_exponentials(j->call->kernel) || needed > KEPT) kept = NULL;
    else if (needed > KEPT_ON_STACK) kept = malloc(needed * sizeof *kept);
    fp_environment callers = fp_enter();
    for (ptrdiff_t k = begin; k < end; k++) {
        fastact_tile t = tile_in_place(j, k);
        t.kept = kept;
        for (int i = 0; i < FASTACT_ROW_OPERANDS; i++)
            if (j->way == ALONG && k + 1 < end && !j->one_a_row[i] && t.operands[i])
                t.ahead[i] = tile_in_place(j, k + 1).operands[i] - t.operands[i];
        run_tile(j, &t, j->way == ACROSS);
    }
    fp_leave(callers);
    if (kept != on_stack) free(kept);
}

/* ---- rows that are brought into tiles ----------------------------------------------------------- */

typedef struct {
    double of_log[2];
} parts;

/* Element i of row k has place i * width + k in a tile. */
#define COPY(type, to, from)                                                                       \
    for (ptrdiff_t k = 0; k < width; k++) {                                                        \
        char *row = row_at(j, operand, outer, inner);                                              \
        for (ptrdiff_t i = 0; i < n; i++) {                                                        \
            type *in_array = (type *)(row + i * stride), *in_tile = (type *)tile + i * width + k;  \
            *to = *from;                                                                           \
        }                                                                                          \
        if (++inner == j->call->inner) inner = 0, outer++;                                         \
    }                                                                                              \
    break;

static void gather(const job *j, int operand, ptrdiff_t first, ptrdiff_t width, void *tile)
{
    ptrdiff_t outer = first / j->call->inner, inner = first % j->call->inner;
    ptrdiff_t n = j->one_a_row[operand] ? 1 : j->call->n, stride = j->call->strides[operand][AXIS];
    switch (j->sizes[operand]) {
    case 2: COPY(uint16_t, in_tile, in_array)
    case 4: COPY(uint32_t, in_tile, in_array)
    default: COPY(uint64_t, in_tile, in_array)
    }
}

static void scatter(const job *j, ptrdiff_t first, ptrdiff_t width, void *tile)
{
    const int operand = RESULT;
    ptrdiff_t outer = first / j->call->inner, inner = first % j->call->inner;
    ptrdiff_t n = j->one_a_row[operand] ? 1 : j->call->n, stride = j->call->strides[operand][AXIS];
    switch (j->sizes[operand]) {
    case 2: COPY(uint16_t, in_array, in_tile)
    case 4: COPY(uint32_t, in_array, in_tile)
    case 8: COPY(uint64_t, in_array, in_tile)
    default: COPY(parts, in_array, in_tile)
    }
}

#define MASK(type)                                                                                 \
    for (ptrdiff_t k = 0; k < width; k++) {                                                        \
        const char *row = j->call->mask + outer * strides[OUTER] + inner * strides[INNER];         \
        for (ptrdiff_t i = 0; i < j->call->n; i++)                                                 \
            if (!row[i * strides[AXIS]])                                                           \
                ((type *)tile)[i * width + k] = (type)j->masked[operand];                          \
        if (++inner == j->call->inner) inner = 0, outer++;                                         \
    }                                                                                              \
    break;

static void mask(const job *j, int operand, ptrdiff_t first, ptrdiff_t width, void *tile)
{
    ptrdiff_t outer = first / j->call->inner, inner = first % j->call->inner;
    const ptrdiff_t *strides = j->call->mask_strides;
    if (!j->call->mask || j->one_a_row[operand]) return;
    switch (j->sizes[operand]) {
    case 2: MASK(uint16_t)
    case 4: MASK(uint32_t)
    default: MASK(uint64_t)
    }
}

static void run_gathered(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    job *j = context;
    ptrdiff_t room = j->call->n * j->width > TILE ? j->call->n * j->width : TILE;
    double on_stack[FASTACT_ROW_OPERANDS * TILE], *tiles = on_stack;
    if (room > TILE) tiles = malloc(FASTACT_ROW_OPERANDS * room * sizeof *tiles);
    if (!tiles) {
        j->failed = 1;
        return;
    }
    fp_environment callers = fp_enter();
    for (ptrdiff_t row = begin; row < end; row += j->width) {
        ptrdiff_t width = least_of(j->width, end - row);
        fastact_tile t = new_tile(j, width);
        for (int i = 0; i < FASTACT_ROW_OPERANDS; i++) {
            t.operands[i] = (char *)(tiles + i * room);
            t.steps[i] = width * j->sizes[i];
            if (i == RESULT || !j->call->operands[i]) continue;
            gather(j, i, row, width, t.operands[i]);
            mask(j, i, row, width, t.operands[i]);
        }
        run_tile(j, &t, width > 1);
        mask(j, RESULT, row, width, t.operands[RESULT]);
        scatter(j, row, width, t.operands[RESULT]);
    }
    fp_leave(callers);
    if (tiles != on_stack) free(tiles);
}

/* ---- a long row for all threads ------------------------------------------------------------------ */

typedef struct {
    const job *job;
    const fastact_tile *tile;
    int step;
    double *states; /* one for each chunk; the first one becomes that of the whole */
} shared_step;

static void run_chunks(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const shared_step *s = context;
    const fastact_tile *t = s->tile;
    ptrdiff_t fields = FASTACT_ROW_FIELDS * t->width;
    fp_environment callers = fp_enter();
    for (ptrdiff_t k = begin; k < end; k++)
        s->job->kernels->steps[s->step][s->job->way == ACROSS](
            t, k * CHUNK, least_of(t->n, (k + 1) * CHUNK),
            s->states + (s->step == FASTACT_WRITE ? 0 : k * fields));
    fp_leave(callers);
}

static int run_shared(job *j, const fastact_tile *t)
{
    ptrdiff_t chunks = (t->n + CHUNK - 1) / CHUNK, fields = FASTACT_ROW_FIELDS * t->width;
    double *states = malloc(chunks * fields * sizeof *states);
    if (!states) return 1;
    shared_step s = {j, t, FASTACT_MAXIMA, states};
    int stopped = 0;
    for (; s.step <= FASTACT_SUMS; s.step++) {
        stopped = fastact_parallel(chunks, SHARED / 2, 0, 1, run_chunks, &s);
        if (stopped) break;
        fp_environment callers = fp_enter();
        for (ptrdiff_t k = 1; k < chunks; k++)
            j->kernels->merge(t, states, states + k * fields);
        for (ptrdiff_t k = 1; k < chunks && s.step == FASTACT_MAXIMA; k++)
            memcpy(states + k * fields, states, 2 * t->width * sizeof *states);
        fp_leave(callers);
    }
    if (!stopped && j->one_a_row[RESULT]) run_chunks(&s, 0, 1);
    else if (!stopped) stopped = fastact_parallel(chunks, SHARED / 2, 0, 1, run_chunks, &s);
    free(states);
    return stopped;
}

/* ---- which way ----------------------------------------------------------------------------------- */

/* Whether neighbours along a dimension of all arrays are neighbours in memory. */
static int contiguous(const job *j, int dimension)
{
    for (int i = 0; i < FASTACT_ROW_OPERANDS; i++) {
        if (!j->call->operands[i] || (dimension == AXIS && j->one_a_row[i])) continue;
        if (j->call->strides[i][dimension] != j->sizes[i]) return 0;
    }
    return 1;
}

static void choose_way(job *j)
{
    const fastact_row_call *call = j->call;
    if (call->mask) j->way = GATHERED;
    else if (call->inner >= 8 && contiguous(j, INNER)) j->way = ACROSS;
    else if (contiguous(j, AXIS) && (call->n > SHORT || j->rows < 8)) j->way = ALONG;
    else j->way = GATHERED;
    if (j->way == ALONG) j->width = 1;
    if (j->way == ACROSS) j->width = FASTACT_ROW_WIDTH;
    if (j->way == GATHERED) {
        j->width = least_of(FASTACT_ROW_WIDTH, TILE / call->n);
        if (j->width < 8) j->width = 1;
    }
    j->tiles_inside = (call->inner + j->width - 1) / j->width;
}

OUT_OF_LINE static double reciprocal_of(double x) { return 1.0 / x; }

static void describe(job *j)
{
    const fastact_row_call *call = j->call;
    fp_environment callers = fp_enter();
    j->reciprocal = reciprocal_of(call->temperature);
    fp_leave(callers);
    int kernel = call->kernel;
    int one_result = kernel == FASTACT_LOGSUMEXP || kernel == FASTACT_LOG_PARTS;
    for (int i = 0; i < FASTACT_ROW_OPERANDS; i++)
        j->sizes[i] = fastact_element_size(call->element);
    j->one_a_row[RESULT] = one_result;
    if (kernel == FASTACT_LOG_PARTS) j->sizes[RESULT] = sizeof(parts);
    if (kernel == FASTACT_LOGSUMEXP_BACKWARD) {
        j->one_a_row[GRADIENT] = 1;
        j->sizes[GRADIENT] = sizeof(double);
    }

    int logarithm = kernel == FASTACT_LOG_SOFTMAX;
    int probabilities = kernel == FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT;
    if (!call->mask) return;
    if (!probabilities)
        fastact_round(call->element, call->temperature < 0 ? INFINITY : -INFINITY, &j->masked[X]);
    if (logarithm) fastact_round(call->element, -INFINITY, &j->masked[RESULT]);
}

int fastact_apply_rows(const fastact_row_call *call)
{
    job j = {.call = call, .kernels = &fastact_kernels(call->element)->rows[call->kernel],
             .rows = call->outer * call->inner};
    if (j.rows == 0 || call->n == 0) return 0;
    describe(&j);
    choose_way(&j);
    ptrdiff_t worth_a_thread = fastact_parallel_threshold(FASTACT_EXPONENTIAL) / 2;
    if (j.way == GATHERED) {
        ptrdiff_t least = worth_a_thread / call->n + 1;
        int stopped = fastact_parallel(j.rows, least, 0, j.width, run_gathered, &j);
        return stopped ? stopped : j.failed;
    }
    ptrdiff_t tiles = call->outer * j.tiles_inside;
    int threads = call->n >= SHARED * CHUNK ? fastact_get_num_threads() : 1;
    if (threads > 1 && tiles < 4 * threads) {
        for (ptrdiff_t k = 0; k < tiles; k++) {
            fastact_tile t = tile_in_place(&j, k);
            int failed = run_shared(&j, &t);
            if (failed) return failed;
        }
        return 0;
    }
    ptrdiff_t least = worth_a_thread / (call->n * j.width) + 1;
    return fastact_parallel(tiles, least, 0, 1, run_in_place, &j);
}

void fastact_enter(fastact_environment *callers)
{
    fp_environment environment = fp_enter();
    _Static_assert(sizeof environment <= sizeof *callers, "there is room for it");
    memcpy(callers, &environment, sizeof environment);
}

void fastact_leave(const fastact_environment *callers)
{
    fp_environment environment;
    memcpy(&environment, callers, sizeof environment);
    fp_leave(environment);
}
