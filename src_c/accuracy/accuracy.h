/* How far results are from the exact value: the interface of what `python -m fastact accuracy`
 * runs. Nothing here is used by, or uses, the functions themselves; the truth is the catalogue's
 * formula alone, evaluated in interval arithmetic, so that each reference comes with a proof of how
 * exact it is. */
#ifndef FASTACT_ACCURACY_H
#define FASTACT_ACCURACY_H

#include <stddef.h>
#include <stdint.h>

/* ---- a formula, as steps that each use the results of earlier ones -------------------------- */

enum {
    ACCURACY_X, ACCURACY_CONSTANT, ACCURACY_PI, ACCURACY_NEGATE, ACCURACY_ADD, ACCURACY_MULTIPLY,
    ACCURACY_DIVIDE, ACCURACY_SQUARE, ACCURACY_ABSOLUTE, ACCURACY_SQRT, ACCURACY_EXP,
    ACCURACY_EXPM1, ACCURACY_LOG1P, ACCURACY_TANH, ACCURACY_LESS_TANH, ACCURACY_SOFTSIGN,
    ACCURACY_ERFC, ACCURACY_GREATER, ACCURACY_GREATER_EQUAL, ACCURACY_CHOOSE
};

enum { ACCURACY_STEPS = 64, ACCURACY_KINKS = 4, ACCURACY_BLOCK = 4096 };

typedef struct {
    int kind;
    /* LESS_TANH is a - tanh(a), SOFTSIGN a/(1 + |a|); of CHOOSE: the condition, what holds where it is
     * true, and otherwise. */
    int operands[3];
    double constant;
} accuracy_step;

/* What the formula cannot say: the slope at a kink, and the limits at -inf and +inf. */
typedef struct {
    int steps;
    accuracy_step step[ACCURACY_STEPS];
    int kinks;
    double kink[ACCURACY_KINKS], kink_slope[ACCURACY_KINKS];
    double limit[2], slope_limit[2];
} accuracy_formula;

/* ---- references -------------------------------------------------------------------------------- */

/* Element types, as x, gradients and results have them in memory. */
enum { ACCURACY_FLOAT16, ACCURACY_BFLOAT16, ACCURACY_FLOAT32, ACCURACY_FLOAT64 };

enum { ACCURACY_VALUE, ACCURACY_DERIVATIVE, ACCURACY_BACKWARD, ACCURACY_OPERATIONS };

/* What comparisons find, to be zeroed before the first (smallest and largest to inf and -inf).
 * Misrounded is a result that is not the float nearest to the exact value; undecided an input whose
 * exact value is not known well enough: float64 has a few, right beside the root of a slope. They
 * are not among those compared. */
typedef struct {
    uint64_t compared, misrounded, undecided;
    uint64_t falls, rises; /* from one input to the next: results that go down, and up */
    double max_ulp, smallest, largest;
    uint64_t worst_x, worst_grad; /* the bits of the first input with that error */
} accuracy_found;

typedef struct accuracy_references accuracy_references;

/* NULL where memory is short. */
accuracy_references *accuracy_new(const accuracy_formula *formula, int element);
void accuracy_free(accuracy_references *r);

/* Whether this build can judge results of that type: float64 takes quadruple precision. */
int accuracy_judges(int element);

/* Sets at most ACCURACY_BLOCK inputs, in rising order, with a gradient for each (NULL: no backward
 * pass); NaN, for which the result is to be NaN, come in blocks of their own. The first `lead` are there to be neighbours only: they are not
 * compared. Where `one_by_one` is not 0 every reference is computed for itself, without the proofs
 * that a function is constant or linear all over the block. */
void accuracy_set_inputs(accuracy_references *r, ptrdiff_t n, ptrdiff_t lead, const void *x,
                         const void *grad, int one_by_one);

/* Compares results for the inputs last set. */
void accuracy_compare(const accuracy_references *r, int operation, const void *results,
                      accuracy_found *found);

/* ---- inputs ------------------------------------------------------------------------------------- */

/* Elements by their place in the order from -inf to -0, 0 and inf, after which come the NaN. */
void accuracy_fill(int element, uint64_t first_place, ptrdiff_t n, void *x);

/* For each x a finite gradient, any pattern of bits as likely as any other. */
void accuracy_fill_gradients(int element, ptrdiff_t n, const void *x, void *grad);

/* ---- a sweep over kernels ----------------------------------------------------------------------- */

/* Operands as kernels have them: [grad,] x, the parameters, the result. */
typedef void accuracy_kernel(ptrdiff_t n, char *const *operands);

/* The kernels of one instruction set, and what is found of them. */
typedef struct {
    accuracy_kernel *kernels[ACCURACY_OPERATIONS];
    accuracy_found found[ACCURACY_OPERATIONS];
    /* Inputs x (at least 0) for which f(-x) is not -f(x), and not f(x). */
    uint64_t not_odd[ACCURACY_OPERATIONS], not_even[ACCURACY_OPERATIONS];
    /* Results that differ from those of the first instruction set, and by how many floats. */
    uint64_t differ[ACCURACY_OPERATIONS], most_apart[ACCURACY_OPERATIONS];
} accuracy_subject;

enum { ACCURACY_PARAMETERS = 4 };

/* Sets inputs and compares the results of every subject. `parameters` points to so many of them, in
 * the element type. */
void accuracy_sweep(accuracy_references *r, ptrdiff_t n, ptrdiff_t lead, const void *x,
                    const void *grad, void *const *parameters, int parameter_count,
                    accuracy_subject *subjects, int count);

/* The bounds of the exact value and slope at x, rounded outwards to double; in double or, where
 * `wide` is not 0 and this build has it, in quadruple precision. bounds: value from, to, slope from,
 * to. */
void accuracy_enclose(const accuracy_formula *formula, double x, int wide, double *bounds);

#endif
