/* Fills the references of a block of inputs; included after comparison.h, once for each type of their
 * bounds. */

ALWAYS_INLINE void OF(set)(accuracy_references *r, const format *f, int has_grad, int one_by_one)
{
    const accuracy_formula *formula = &r->formula;
    OF(references) *operations[ACCURACY_OPERATIONS];
    for (int i = 0; i < ACCURACY_OPERATIONS; i++) {
        operations[i] = &r->operations[i]->OF(of);
        operations[i]->uniform = 0;
        for (int k = 0; k < SEGMENTS; k++) operations[i]->of_rounded[k] = nothing_found;
    }

    OF(proof) proof = {0};
    if (!one_by_one && r->n > 1)
        proof = PROOF(formula, f, OF(read)(f, r->x, 0), OF(read)(f, r->x, r->n - 1));
    int value_is_proved = proof.value_is_constant || proof.value_is_linear;
    if (proof.value_is_constant)
        OF(refer_all)(r, f, operations[ACCURACY_VALUE], r->rounded[ACCURACY_VALUE], proof.value);
    if (proof.slope_is_constant)
        OF(refer_all)(r, f, operations[ACCURACY_DERIVATIVE], r->rounded[ACCURACY_DERIVATIVE],
                      proof.slope);

    for (ptrdiff_t i = 0; i < r->n; i++) {
        wide x = OF(read)(f, r->x, i);
        OF(range) value = proof.value_is_linear ? OF(on_line)(&proof, x) : proof.value;
        OF(range) slope = proof.slope;
        int value_is_known = value_is_proved && OF(is_narrow)(f, value);
        if (x != x) {
            value = slope = OF(point)(x);
        } else if (x == INFINITY || x == -INFINITY) {
            value = OF(point)((wide)formula->limit[x > 0]);
            slope = OF(point)((wide)formula->slope_limit[x > 0]);
        } else if (!value_is_known || !proof.slope_is_constant) {
            OF(enclose_once)(formula, f, x, &value, &slope);
        }
        int decided = x != x || OF(is_decided)(f, slope);
        if (!proof.value_is_constant)
            OF(refer)(r, f, operations[ACCURACY_VALUE], r->rounded[ACCURACY_VALUE], i, value,
                      x != x || OF(is_decided)(f, value));
        if (!proof.slope_is_constant)
            OF(refer)(r, f, operations[ACCURACY_DERIVATIVE], r->rounded[ACCURACY_DERIVATIVE], i,
                      slope, decided);
        if (has_grad) {
            OF(range) product = OF(multiple)(slope, OF(read)(f, r->grad, i));
            if (x != x) product = slope;
            OF(refer)(r, f, operations[ACCURACY_BACKWARD], r->rounded[ACCURACY_BACKWARD], i,
                      product, decided);
        }
    }
}
