/* Many 16-bit elements: there are only 65,536 different ones, so a call on several times as many
 * computes the result of each number once, by the same kernel, and looks the rest up. The table
 * lives as long as the call. */
#include "fastact.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "independent.h"

/* Computing an element takes three to seven times as long as looking it up: a quarter of the
 * elements computed is worth it even for the cheapest functions. */
enum { NUMBERS = 65536, PAYS_FROM = 4 * NUMBERS };

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

/* The results of all numbers, of each output after the other. Returns what fastact_apply does. */
static int tabulate(const fastact_call *call, char *const *operands, uint16_t *table)
{
    for (ptrdiff_t i = 0; i < NUMBERS; i++) table[i] = (uint16_t)i;
    char *of_table[FASTACT_MAX_OPERANDS];
    ptrdiff_t strides[FASTACT_MAX_OPERANDS];
    of_table[0] = of_table[call->inputs] = (char *)table; /* in place */
    of_table[call->inputs + 1] = (char *)(table + NUMBERS);
    for (int i = 1; i < call->inputs; i++) of_table[i] = operands[i];
    for (int i = 0; i < call->inputs + call->outputs; i++)
        strides[i] = i > 0 && i < call->inputs ? 0 : (ptrdiff_t)sizeof *table;
    return fastact_apply(call, NUMBERS, of_table, strides);
}

int fastact_apply_by_table(const fastact_call *call, int dimensions, const ptrdiff_t *shape,
                           char *const *operands, const ptrdiff_t *strides)
{
    ptrdiff_t n = 1;
    for (int d = 0; d < dimensions; d++) n *= shape[d];
    fastact_loop *loop = call->outputs == 2 ? look_up_both : look_up;
    if (n < PAYS_FROM || call->loops.uniform == loop || call->inputs - call->parameters != 1
        || (call->computed_in != FASTACT_FLOAT16 && call->computed_in != FASTACT_BFLOAT16))
        return 0;
    uint16_t *table = malloc((size_t)call->outputs * NUMBERS * sizeof *table);
    if (!table) return 0;

    /* The table stands where the parameters stood. */
    fastact_call looking_up = {
        .loops = {loop, NULL}, .inputs = 2, .parameters = 1, .outputs = call->outputs,
        .cost = FASTACT_CHEAP, .computed_in = call->computed_in,
    };
    char *with_table[FASTACT_MAX_OPERANDS] = {operands[0], (char *)table};
    ptrdiff_t their_strides[FASTACT_MAX_OPERANDS * FASTACT_MAX_DIMENSIONS] = {0};
    memcpy(their_strides, strides, dimensions * sizeof *strides);
    memcpy(with_table + 2, operands + call->inputs, call->outputs * sizeof *operands);
    memcpy(their_strides + 2 * dimensions, strides + call->inputs * dimensions,
           call->outputs * dimensions * sizeof *strides);
    for (int i = 0; i < looking_up.inputs + looking_up.outputs; i++)
        looking_up.elements[i] = call->computed_in;
    int stopped = tabulate(call, operands, table);
    if (!stopped)
        stopped = fastact_apply_shaped(&looking_up, dimensions, shape, with_table, their_strides);
    free(table);
    return stopped ? -1 : 1;
}
