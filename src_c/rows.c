/* Brings the rows of any arrays before kernels that know two kinds of tiles, whole rows and rows side
 * by side, and shares them among threads, or a long row among all of them. Rows that lie as the
 * kernels want them stay where they are; short rows, strides and masks go through tiles that stay
 * in the cache: gather, compute, scatter. */
#include "isa.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fp_environment.h"
#include "independent.h"

enum { OUTER, AXIS, INNER };
enum { X, GRADIENT, RESULT };
enum { ALONG, ACROSS, GATHERED };

enum {
    TILE = 2048,          /* elements of a gathered tile */
    KEPT_ON_STACK = 2048, /* exponentials that are kept */
    CHUNK = FASTACT_ROW_CHUNK,
    LEAST_CHUNKS = 8, /* of a row that is shared, for one thread */
};

/* Found by `python benchmarks/row_limits.py`; float32 on a Zen 4. Taken along each, rows of 48 need
 * 0.9 (AVX-512), 1.2 (AVX2) and 1.0 times (baseline) what they need side by side, rows of 64 0.7, 1.0
 * and 0.9. Eight rows at once are twice as fast as one where they have 64 elements, seven 1.3 times
 * where 256. Computing exponentials twice takes 1.2 and 1.4 times what keeping them takes, to beyond
 * 2^17, where they no longer fit a core's cache. */
static ptrdiff_t limits[FASTACT_ROW_LIMITS] = {
    [FASTACT_SHORT_ROW] = 63,
    [FASTACT_ROWS_TOGETHER] = 8,
    [FASTACT_KEPT_EXPONENTIALS] = 1 << 17,
    [FASTACT_SHARED_ROW] = 1 << 18,
};

ptrdiff_t fastact_row_limit(int which) { return limits[which]; }
void fastact_set_row_limit(int which, ptrdiff_t value) { limits[which] = value; }

typedef struct {
    fastact_row_call *call;
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

static int again(const job *j, const fastact_tile *t, double *state)
{
    return j->kernels->again && j->kernels->again(t, state);
}

OUT_OF_LINE static void run_tile(const job *j, const fastact_tile *t, int across)
{
    double state[FASTACT_ROW_FIELDS * FASTACT_ROW_WIDTH];
    fastact_row_step *const(*steps)[2] = j->kernels->steps;
    steps[FASTACT_MAXIMA][across](t, 0, t->n, state);
    again(j, t, state);
    do {
        for (ptrdiff_t i = 0; i < t->n; i += CHUNK)
            steps[FASTACT_SUMS][across](t, i, least_of(t->n, i + CHUNK), state);
    } while (again(j, t, state));
    steps[FASTACT_WRITE][across](t, 0, t->n, state);
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
    int from_one_to_next = j->way == ACROSS ? AXIS : INNER;
    for (int i = 0; i < FASTACT_ROW_OPERANDS; i++) {
        t.operands[i] = row_at(j, i, outer, inner);
        t.steps[i] = j->call->strides[i][from_one_to_next];
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
    ptrdiff_t needed = (j->call->n + FASTACT_ROW_LANES) * j->width;
    enum { ROOM = KEPT_ON_STACK + FASTACT_ROW_LANES };
    double on_stack[ROOM], *kept = on_stack;
    int keeps = keeps_exponentials(j->call->kernel);
    if (!keeps || j->call->n * j->width > limits[FASTACT_KEPT_EXPONENTIALS]) kept = NULL;
    else if (needed > ROOM) kept = malloc(needed * sizeof *kept);
    fp_environment callers = fp_enter();
    fastact_tile t = tile_in_place(j, begin), next;
    for (ptrdiff_t k = begin; k < end; k++, t = next) {
        next = tile_in_place(j, k + 1 < end ? k + 1 : k);
        t.kept = kept;
        for (int i = 0; i < FASTACT_ROW_OPERANDS && j->way == ALONG; i++)
            if (t.operands[i] && !j->one_a_row[i]) t.ahead[i] = next.operands[i] - t.operands[i];
        run_tile(j, &t, j->way == ACROSS);
    }
    fp_leave(callers);
    if (kept != on_stack) free(kept);
}

/* ---- rows that are brought into tiles ----------------------------------------------------------- */

typedef struct {
    double both[2];
} parts;

typedef struct {
    ptrdiff_t first, width; /* rows */
    ptrdiff_t begin, n;     /* elements of each */
} region;

/* The rows of a region of an array, one after the other. */
typedef struct {
    char *at;
    ptrdiff_t inner, inners; /* where it stands in the inner dimension, and how long that is */
    ptrdiff_t to_inner, to_outer, step, n;
} cursor;

static cursor rows_of(const job *j, char *array, const ptrdiff_t *strides, const region *r)
{
    ptrdiff_t inners = j->call->inner, outer = r->first / inners, inner = r->first % inners;
    char *at = array + outer * strides[OUTER] + inner * strides[INNER] + r->begin * strides[AXIS];
    return (cursor){at, inner, inners, strides[INNER], strides[OUTER], strides[AXIS], r->n};
}

static cursor rows_of_operand(const job *j, int operand, const region *r)
{
    region one = {r->first, r->width, 0, 1};
    return rows_of(j, j->call->operands[operand], j->call->strides[operand],
                   j->one_a_row[operand] ? &one : r);
}

static void *next_row(cursor *rows)
{
    char *row = rows->at;
    rows->at += rows->to_inner;
    if (++rows->inner == rows->inners) {
        rows->at += rows->to_outer - rows->inners * rows->to_inner;
        rows->inner = 0;
    }
    return row;
}

/* Element i of row k has place i * width + k in a tile. Rows whose elements are neighbours go four at
 * a time, through a loop that the compiler makes shuffles of vectors from: of 10 elements they take
 * .17 ns an element instead of .48, of 32 .10 instead of .28. */
enum { FEWEST_FOR_FOUR = 4, LEAST_WIDTH = 8, FOURS = 4 * TILE / LEAST_WIDTH };

#define DEFINE_COPIES(type)                                                                        \
    static void gather_##type(cursor rows, ptrdiff_t width, type *tile)                            \
    {                                                                                              \
        type fours[FOURS];                                                                         \
        ptrdiff_t n = rows.n, k = 0;                                                               \
        int by_four = rows.step == sizeof(type) && n >= FEWEST_FOR_FOUR;                           \
        for (; by_four && k + 4 <= width; k += 4) {                                                \
            const type *a = next_row(&rows), *b = next_row(&rows);                                 \
            const type *c = next_row(&rows), *d = next_row(&rows);                                 \
            INDEPENDENT                                                                            \
            for (ptrdiff_t i = 0; i < n; i++) {                                                    \
                fours[4 * i] = a[i], fours[4 * i + 1] = b[i];                                      \
                fours[4 * i + 2] = c[i], fours[4 * i + 3] = d[i];                                  \
            }                                                                                      \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                memcpy(tile + i * width + k, fours + 4 * i, 4 * sizeof(type));                     \
        }                                                                                          \
        for (; k < width; k++) {                                                                   \
            const char *row = next_row(&rows);                                                     \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                tile[i * width + k] = *(const type *)(row + i * rows.step);                        \
        }                                                                                          \
    }                                                                                              \
    static void scatter_##type(cursor rows, ptrdiff_t width, const type *tile)                     \
    {                                                                                              \
        type fours[FOURS];                                                                         \
        ptrdiff_t n = rows.n, k = 0;                                                               \
        int by_four = rows.step == sizeof(type) && n >= FEWEST_FOR_FOUR;                           \
        for (; by_four && k + 4 <= width; k += 4) {                                                \
            type *a = next_row(&rows), *b = next_row(&rows);                                       \
            type *c = next_row(&rows), *d = next_row(&rows);                                       \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                memcpy(fours + 4 * i, tile + i * width + k, 4 * sizeof(type));                     \
            INDEPENDENT                                                                            \
            for (ptrdiff_t i = 0; i < n; i++) {                                                    \
                a[i] = fours[4 * i], b[i] = fours[4 * i + 1];                                      \
                c[i] = fours[4 * i + 2], d[i] = fours[4 * i + 3];                                  \
            }                                                                                      \
        }                                                                                          \
        for (; k < width; k++) {                                                                   \
            char *row = next_row(&rows);                                                           \
            for (ptrdiff_t i = 0; i < n; i++)                                                      \
                *(type *)(row + i * rows.step)   = tile[i * width + k];                            \
        }                                                                                          \
    }

DEFINE_COPIES(uint16_t)
DEFINE_COPIES(uint32_t)
DEFINE_COPIES(uint64_t)

static void gather(const job *j, int operand, const region *r, void *tile)
{
    cursor rows = rows_of_operand(j, operand, r);
    switch (j->sizes[operand]) {
    case 2: gather_uint16_t(rows, r->width, tile); break;
    case 4: gather_uint32_t(rows, r->width, tile); break;
    default: gather_uint64_t(rows, r->width, tile);
    }
}

static void scatter(const job *j, const region *r, const void *tile)
{
    cursor rows = rows_of_operand(j, RESULT, r);
    switch (j->sizes[RESULT]) {
    case 2: scatter_uint16_t(rows, r->width, tile); break;
    case 4: scatter_uint32_t(rows, r->width, tile); break;
    case 8: scatter_uint64_t(rows, r->width, tile); break;
    default:
        for (ptrdiff_t k = 0; k < r->width; k++)
            memcpy(next_row(&rows), (const parts *)tile + k, sizeof(parts));
    }
}

#define MASK(type)                                                                                 \
    for (ptrdiff_t k = 0; k < r->width; k++) {                                                     \
        const char *row = next_row(&rows);                                                         \
        for (ptrdiff_t i = 0; i < rows.n; i++)                                                     \
            if (!row[i * rows.step]) ((type *)tile)[i * r->width + k] = (type)j->masked[operand];  \
    }                                                                                              \
    break;

static void mask(const job *j, int operand, const region *r, void *tile)
{
    if (!j->call->mask || j->one_a_row[operand]) return;
    cursor rows = rows_of(j, (char *)j->call->mask, j->call->mask_strides, r);
    switch (j->sizes[operand]) {
    case 2: MASK(uint16_t)
    case 4: MASK(uint32_t)
    default: MASK(uint64_t)
    }
}

/* A tile of a region in `room` for FASTACT_ROW_OPERANDS times `apart` doubles. */
static fastact_tile gathered_tile(const job *j, const region *r, double *room, ptrdiff_t apart)
{
    fastact_tile t = new_tile(j, r->width);
    t.n = r->n;
    for (int i = 0; i < FASTACT_ROW_OPERANDS; i++) {
        t.operands[i] = (char *)(room + i * apart);
        t.steps[i] = r->width * j->sizes[i];
        if (i == RESULT || !j->call->operands[i]) continue;
        gather(j, i, r, t.operands[i]);
        mask(j, i, r, t.operands[i]);
    }
    return t;
}

static void scatter_result(const job *j, const region *r, const fastact_tile *t)
{
    mask(j, RESULT, r, t->operands[RESULT]);
    scatter(j, r, t->operands[RESULT]);
}

static void run_gathered(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    job *j = context;
    ptrdiff_t room = j->call->n * j->width;
    enum { TILES = FASTACT_ROW_OPERANDS + 1 }; /* and the exponentials */
    /* Not on the stack, of which the kernels take enough: threads may have little. */
    double *tiles = malloc((TILES * room + FASTACT_ROW_LANES * j->width) * sizeof *tiles);
    if (!tiles) {
        j->failed = 1;
        return;
    }
    fp_environment callers = fp_enter();
    for (ptrdiff_t row = begin; row < end; row += j->width) {
        region r = {row, least_of(j->width, end - row), 0, j->call->n};
        fastact_tile t = gathered_tile(j, &r, tiles, room);
        t.kept = tiles + FASTACT_ROW_OPERANDS * room;
        run_tile(j, &t, r.width > 1);
        scatter_result(j, &r, &t);
    }
    fp_leave(callers);
    free(tiles);
}

/* ---- long rows, chunk by chunk ------------------------------------------------------------------- */

typedef struct {
    job *job;
    ptrdiff_t place; /* of the tile */
    int step;
    double *states; /* one for each chunk; the first one becomes that of the whole */
} chunked;

/* Takes one step with some of the chunks, which lie where they are or go through a tile. */
static void run_chunks(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const chunked *c = context;
    job *j = c->job;
    fastact_tile t = tile_in_place(j, c->place);
    ptrdiff_t n = j->call->n, fields = FASTACT_ROW_FIELDS * t.width;
    fastact_row_step *step = j->kernels->steps[c->step][j->way == ACROSS];
    double *room = NULL;
    if (j->way == GATHERED && !(room = malloc(FASTACT_ROW_OPERANDS * CHUNK * sizeof *room))) {
        j->failed = 1;
        return;
    }
    fp_environment callers = fp_enter();
    for (ptrdiff_t k = begin; k < end; k++) {
        double *state = c->states + (c->step == FASTACT_WRITE ? 0 : k * fields);
        ptrdiff_t first = k * CHUNK, count = least_of(n - first, CHUNK);
        if (j->way == GATHERED) {
            region r = {c->place, 1, first, count};
            t = gathered_tile(j, &r, room, CHUNK);
            step(&t, 0, count, state);
            if (c->step == FASTACT_WRITE) scatter_result(j, &r, &t);
        } else if (c->step == FASTACT_WRITE && j->one_a_row[RESULT]) {
            step(&t, 0, n, state);
        } else {
            step(&t, first, first + count, state);
        }
    }
    fp_leave(callers);
    free(room);
}

/* Returns as fastact_apply_rows. */
static int run_by_chunks(job *j, ptrdiff_t place, int shared)
{
    fastact_tile t = tile_in_place(j, place);
    ptrdiff_t chunks = (j->call->n + CHUNK - 1) / CHUNK, fields = FASTACT_ROW_FIELDS * t.width;
    double *states = malloc(chunks * fields * sizeof *states);
    if (!states) return 1;
    chunked c = {j, place, FASTACT_MAXIMA, states};
    int stopped = 0;
    for (;;) {
        /* One result is written once or, where the kernel sees only a part, again and again. */
        int one = c.step == FASTACT_WRITE && j->one_a_row[RESULT];
        if (shared && !one) stopped = fastact_parallel(chunks, LEAST_CHUNKS, 0, 1, run_chunks, &c);
        else run_chunks(&c, 0, one && j->way != GATHERED ? 1 : chunks);
        if (c.step == FASTACT_WRITE || stopped || j->failed) break;
        fp_environment callers = fp_enter();
        for (ptrdiff_t k = 1; k < chunks; k++)
            j->kernels->merge(&t, states, states + k * fields);
        int sums_are_next = again(j, &t, states) || c.step == FASTACT_MAXIMA;
        /* Sums start at 0 in each of them. */
        for (ptrdiff_t k = 1; k < chunks && sums_are_next; k++)
            memcpy(states + k * fields, states, fields * sizeof *states);
        fp_leave(callers);
        c.step = sums_are_next ? FASTACT_SUMS : FASTACT_WRITE;
    }
    free(states);
    return stopped ? stopped : j->failed;
}

static void run_long_gathered(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    job *j = context;
    for (ptrdiff_t row = begin; row < end; row++)
        if (run_by_chunks(j, row, 0)) j->failed = 1;
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

/* Of rows that kernels go along several are taken at once, as far as their exponentials would have
 * room on the stack: longer rows gain nothing. */
static ptrdiff_t rows_at_once(const job *j)
{
    ptrdiff_t most = least_of(limits[FASTACT_ROWS_TOGETHER], FASTACT_ROWS_ALONG);
    ptrdiff_t width = least_of(most, KEPT_ON_STACK / (j->call->n + FASTACT_ROW_LANES));
    return width > 1 ? width : 1;
}

static void choose_way(job *j)
{
    fastact_row_call *call = j->call;
    if (call->mask) j->way = GATHERED;
    else if (call->inner >= 8 && contiguous(j, INNER)) j->way = ACROSS;
    else if (!contiguous(j, AXIS)) j->way = GATHERED;
    else if (call->n > limits[FASTACT_SHORT_ROW] || j->rows < 8) j->way = ALONG;
    else j->way = GATHERED;
    if (j->way == ALONG) {
        j->width = rows_at_once(j);
        if (call->inner == 1) { /* then those of the outer dimension go together */
            call->inner = call->outer, call->outer = 1;
            for (int i = 0; i < FASTACT_ROW_OPERANDS; i++)
                call->strides[i][INNER] = call->strides[i][OUTER];
        }
    }
    if (j->way == ACROSS) j->width = FASTACT_ROW_WIDTH;
    if (j->way == GATHERED) {
        j->width = least_of(FASTACT_ROW_WIDTH, TILE / call->n / LEAST_WIDTH * LEAST_WIDTH);
        if (j->width < LEAST_WIDTH) j->width = 1;
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
    if (kernel == FASTACT_SUM_BELOW_0) {
        j->one_a_row[RESULT] = 1;
        j->sizes[RESULT] = sizeof(parts);
    }
    if (kernel == FASTACT_LOGSUMEXP_BACKWARD) {
        j->one_a_row[GRADIENT] = 1;
        j->sizes[GRADIENT] = sizeof(double);
    }

    int logarithm = kernel == FASTACT_LOG_SOFTMAX;
    int probabilities = kernel == FASTACT_SOFTMAX_BACKWARD_FROM_OUTPUT
                        || kernel == FASTACT_SPARSEMAX_BACKWARD_FROM_OUTPUT;
    if (!call->mask) return;
    if (!probabilities)
        fastact_round(call->element, call->temperature < 0 ? INFINITY : -INFINITY, &j->masked[X]);
    if (logarithm) fastact_round(call->element, -INFINITY, &j->masked[RESULT]);
}

int fastact_apply_rows(const fastact_row_call *given)
{
    fastact_row_call own = *given, *call = &own;
    job j = {.call = call, .kernels = &fastact_kernels(call->element)->rows[call->kernel],
             .rows = call->outer * call->inner};
    if (j.rows == 0 || call->n == 0) return 0;
    describe(&j);
    choose_way(&j);
    ptrdiff_t tiles = j.way == GATHERED ? j.rows : call->outer * j.tiles_inside;
    int long_row = call->n > CHUNK && call->n >= limits[FASTACT_SHARED_ROW];
    int threads = long_row ? fastact_get_num_threads() : 1;
    if (threads > 1 && tiles < 4 * threads) {
        int failed = 0;
        for (ptrdiff_t k = 0; k < tiles && !failed; k++) failed = run_by_chunks(&j, k, 1);
        return failed;
    }
    fastact_body *run = run_in_place;
    ptrdiff_t granule = 1, worth_a_thread = fastact_parallel_threshold(FASTACT_EXPONENTIAL) / 2;
    ptrdiff_t rows_of_tile = j.width;
    if (j.way == GATHERED) {
        run = call->n > CHUNK ? run_long_gathered : run_gathered;
        granule = j.width;
        rows_of_tile = 1; /* as they are counted one by one */
    }
    ptrdiff_t least = worth_a_thread / (call->n * rows_of_tile) + 1;
    int stopped = fastact_parallel(tiles, least, 0, granule, run, &j);
    return stopped ? stopped : j.failed;
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
