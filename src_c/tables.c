/* Many 16-bit elements: there are only 65,536 different ones, so a call on several times as many
 * computes the result of each number once, by the same kernel, and looks the rest up. Of a backward
 * pass it is the slopes that are looked up. The table lives as long as the call. */
#include "isa.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fp_environment.h"
#include "independent.h"

/* Computing an element and rounding it takes two to seven times as long as looking it up. */
enum { NUMBERS = 65536, PAYS_FROM = 4 * NUMBERS };
enum { LINE = 64 };

/* Operands: x, the table, out. */
static void look_up(ptrdiff_t n, char *const *operands)
{
    const uint16_t *x = (const uint16_t *)operands[0], *table = (const uint16_t *)operands[1];
    uint16_t *out = (uint16_t *)operands[2];
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) out[i] = table[x[i]];
}

/* Operands: x, two tables one after the other, and an output for each. */
static void look_up_both(ptrdiff_t n, char *const *operands)
{
    const uint16_t *x = (const uint16_t *)operands[0], *table = (const uint16_t *)operands[1];
    uint16_t *first = (uint16_t *)operands[2], *second = (uint16_t *)operands[3];
    INDEPENDENT
    for (ptrdiff_t i = 0; i < n; i++) {
        uint16_t number = x[i];
        first[i] = table[number];
        second[i] = table[NUMBERS + number];
    }
}

typedef struct {
    fastact_loop *loop;
    int inputs, outputs;
    char *const *operands; /* of the loop, whose first one are the numbers */
    const ptrdiff_t *sizes;
} filling;

static void fill(void *context, ptrdiff_t begin, ptrdiff_t end)
{
    const filling *f = context;
    char *operands[FASTACT_MAX_OPERANDS];
    for (int i = 0; i < f->inputs + f->outputs; i++)
        operands[i] = f->operands[i] + begin * f->sizes[i];
    fp_environment callers = fp_enter();
    f->loop(end - begin, operands);
    fp_leave(callers);
}

/* What a loop gives for all numbers, each of its outputs after the other: results or, of a backward
 * pass, slopes. NULL where there is no memory. */
static void *tabulate(const fastact_call *call, char *const *operands, int *stopped)
{
    int arrays = call->inputs - call->parameters;
    int backward = arrays == 2;
    ptrdiff_t size = backward ? sizeof(double) : sizeof(uint16_t);
    char *table = malloc((size_t)NUMBERS * (call->outputs * size + sizeof(uint16_t)));
    if (!table) return NULL;
    uint16_t *numbers = (uint16_t *)(table + NUMBERS * call->outputs * size);
    for (ptrdiff_t i = 0; i < NUMBERS; i++) numbers[i] = (uint16_t)i;

    char *of_loop[FASTACT_MAX_OPERANDS] = {(char *)numbers};
    ptrdiff_t sizes[FASTACT_MAX_OPERANDS] = {sizeof *numbers};
    int count = 1;
    for (int i = arrays; i < call->inputs; i++) of_loop[count++] = operands[i];
    for (int i = 0; i < call->outputs; i++) {
        sizes[count] = size;
        of_loop[count++] = table + NUMBERS * i * size;
    }
    filling f = {backward ? call->loops.slopes : call->loops.uniform, 1 + call->parameters,
                 call->outputs, of_loop, sizes};
    ptrdiff_t least = fastact_parallel_threshold(call->cost) / 2;
    *stopped = fastact_parallel(NUMBERS, least, 0, LINE, fill, &f);
    return table;
}

int fastact_apply_by_table(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                           char *const *operands, const ptrdiff_t *strides)
{
    int arrays = call->inputs - call->parameters;
    if (arrays > 1 && !call->loops.slopes) return 0; /* of two numbers, as gated functions are */
    fastact_loop *loop = arrays == 2         ? fastact_kernels(call->computed_in)->by_slopes
                         : call->outputs == 2 ? look_up_both
                                              : look_up;
    ptrdiff_t n = 1;
    for (int d = 0; d < dimensions; d++) n *= shape[d];
    /* What is merely chosen costs less than its look-up, as does a slope of the cheap functions. */
    if (n < PAYS_FROM || call->loops.uniform == loop || call->loops.chosen
        || (arrays == 2 && call->cost == FASTACT_CHEAP)
        || (call->computed_in != FASTACT_FLOAT16 && call->computed_in != FASTACT_BFLOAT16))
        return 0;
    int stopped = 0;
    void *table = tabulate(call, operands, &stopped);
    if (!table) return 0;

    /* The table stands where the parameters stood. */
    fastact_call looking_up = {
        .loops = {.uniform = loop}, .inputs = arrays + 1, .parameters = 1,
        .outputs = call->outputs, .cost = FASTACT_CHEAP, .computed_in = call->computed_in,
    };
    char *with_table[FASTACT_MAX_OPERANDS];
    ptrdiff_t their_strides[FASTACT_MAX_OPERANDS * FASTACT_MAX_DIMENSIONS];
    memcpy(with_table, operands, arrays * sizeof *operands);
    with_table[arrays] = table;
    memcpy(with_table + arrays + 1, operands + call->inputs, call->outputs * sizeof *operands);
    memcpy(their_strides, strides, arrays * dimensions * sizeof *strides);
    memset(their_strides + arrays * dimensions, 0, dimensions * sizeof *strides);
    memcpy(their_strides + (arrays + 1) * dimensions, strides + call->inputs * dimensions,
           call->outputs * dimensions * sizeof *strides);
    for (int i = 0; i < looking_up.inputs + looking_up.outputs; i++)
        looking_up.elements[i] = call->computed_in;
    if (!stopped)
        stopped = fastact_apply_shaped(&looking_up, dimensions, shape, with_table, their_strides);
    free(table);
    return stopped ? -1 : 1;
}
