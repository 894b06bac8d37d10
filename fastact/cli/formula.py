"""The catalogue's formulas, Python expressions, as mathematics that matplotlib typesets."""

from __future__ import annotations

import ast
import copy
import re

_GREEK = frozenset(
    ("alpha", "beta", "gamma", "delta", "kappa", "lambda", "mu", "pi", "sigma", "theta")
)
_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: r"\leq",
    ast.Gt: ">",
    ast.GtE: r"\geq",
    ast.Eq: "=",
    ast.NotEq: r"\neq",
}
_UPRIGHT = frozenset(("tanh", "sinh", "cosh", "sin", "cos", "max", "min"))
_RENAMED = {"log": r"\ln", "sigmoid": r"\sigma", "lambd": r"\lambda"}

# How tightly the outermost operation of an expression binds.
_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def name(text: str) -> str:
    """Typeset a name.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Without dollars.
    """
    if text in _RENAMED:
        return _RENAMED[text]
    if text in _GREEK or text in _UPRIGHT:
        return f"\\{text}"
    if len(text) == 1:
        return text
    escaped = text.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def _call(function: str, arguments: list[ast.expr]) -> tuple[str, int]:
    inside = [_typeset(argument)[0] for argument in arguments]
    first = inside[0]
    if function in ("exp", "expm1"):
        power = f"e^{{{_typeset(_flat(arguments[0]))[0]}}}"
        return (power, _POWER) if function == "exp" else (f"{power} - 1", _SUM)
    if function == "log1p":
        return rf"\ln(1 + {first})", _ATOM
    if function == "sqrt":
        return rf"\sqrt{{{first}}}", _ATOM
    if function in ("abs", "fabs"):
        return f"|{first}|", _ATOM
    return name(function) + _in_parentheses(", ".join(inside)), _ATOM


def _in_parentheses(text: str) -> str:
    return rf"\left({text}\right)" if "frac" in text else f"({text})"


def _grouped(node: ast.expr, least: int) -> str:
    """Typeset an operand, in parentheses where it binds less than `least`."""
    text, binding = _typeset(node)
    if binding >= least:
        return text
    return _in_parentheses(text)


def _operand(node: ast.expr, least: int) -> str:
    """Typeset an operand that has an operator before it: a minus sign then needs parentheses."""
    text = _grouped(node, least)
    return f"({text})" if text.startswith("-") else text


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 0


class _Flatten(ast.NodeTransformer):
    def visit_Div(self, node: ast.Div) -> ast.FloorDiv:
        return ast.FloorDiv()


def _flat(node: ast.expr) -> ast.expr:
    """Return an expression whose fractions are to be written with a slash."""
    flat: ast.expr = _Flatten().visit(copy.deepcopy(node))
    return flat


def _binary(node: ast.BinOp) -> tuple[str, int]:
    operator = type(node.op)
    if operator is ast.Div:
        if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Div):
            below_both = ast.BinOp(node.right, ast.Mult(), node.left.right)
            return _binary(ast.BinOp(node.left.left, ast.Div(), below_both))
        above, below = (_typeset(_flat(part))[0] for part in (node.left, node.right))
        return rf"\dfrac{{{above}}}{{{below}}}", _PRODUCT
    if operator is ast.FloorDiv:
        return f"{_grouped(node.left, _PRODUCT)}/{_grouped(node.right, _POWER)}", _PRODUCT
    if operator is ast.Mult:
        if _is_zero(node.left):
            return "0", _ATOM  # 0*x in a formula stands for a zero of x's sign
        left, right = _grouped(node.left, _PRODUCT), _operand(node.right, _PRODUCT)
        dot = right[0].isdigit() or "mathrm" in left
        return rf"{left} \cdot {right}" if dot else rf"{left}\,{right}", _PRODUCT
    if operator is ast.Pow:
        exponent = _typeset(node.right)[0]
        if isinstance(node.left, ast.Call) and isinstance(node.left.func, ast.Name):
            function = node.left.func.id
            if function in _UPRIGHT:
                inside = _typeset(node.left.args[0])[0]
                return rf"{name(function)}^{{{exponent}}}({inside})", _POWER
        return f"{_grouped(node.left, _ATOM)}^{{{exponent}}}", _POWER
    sign = "+" if operator is ast.Add else "-"
    if _is_zero(node.left):
        return _typeset(node.right if sign == "+" else ast.UnaryOp(ast.USub(), node.right))
    right = _operand(node.right, _PRODUCT if sign == "-" else _SUM)
    return f"{_grouped(node.left, _SUM)} {sign} {right}", _SUM


def _typeset(node: ast.expr) -> tuple[str, int]:
    match node:
        case ast.Name(id=text):
            return name(text), _ATOM
        case ast.Constant(value=value):
            return f"{value:g}" if isinstance(value, float) else str(value), _ATOM
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_operand(operand, _PRODUCT)}", _PRODUCT
        case ast.BinOp():
            return _binary(node)
        case ast.Call(func=ast.Name(id=function), args=arguments) if arguments:
            return _call(function, arguments)
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=[ast.Name(id="x")]):
            return f"x < {_typeset(left)[0]}", _SUM  # as people write it
        case ast.Compare(left=left, ops=operators, comparators=others):
            pairs = zip(operators, others, strict=True)
            rest = [f" {_OPERATORS[type(op)]} {_typeset(other)[0]}" for op, other in pairs]
            return _typeset(left)[0] + "".join(rest), _SUM
    raise ValueError(f"no way to typeset {ast.unparse(node)}")


def _lifted(node: ast.expr) -> ast.expr:
    """Return an operation on a choice as a choice between two operations."""
    match node:
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return ast.IfExp(test, _lifted(body), _lifted(orelse))
        case ast.BinOp(left=left, op=operator, right=right):
            left, right = _lifted(left), _lifted(right)
            if isinstance(left, ast.IfExp):
                body = ast.BinOp(left.body, operator, right)
                return _lifted(ast.IfExp(left.test, body, ast.BinOp(left.orelse, operator, right)))
            if isinstance(right, ast.IfExp):
                body = ast.BinOp(left, operator, right.body)
                return _lifted(ast.IfExp(right.test, body, ast.BinOp(left, operator, right.orelse)))
    return node


def _pieces(node: ast.expr) -> list[tuple[str, str]]:
    """Return the values of a conditional expression, each with its condition, the last without."""
    if isinstance(node, ast.IfExp):
        condition = _typeset(node.test)[0]
        return [(_typeset(node.body)[0], condition), *_pieces(node.orelse)]
    return [(_typeset(node)[0], "")]


def typeset(left: str, expression: str) -> str:
    """Typeset an equation.

    Parameters
    ----------
    left : str
        The left-hand side, typeset already.
    expression : str
        A formula of the catalogue: a Python expression, conditional ones included, and perhaps
        definitions of names it uses: ``"x*s, s = exp(x)"``.

    Returns
    -------
    str
        Text with mathematics between dollars; the expression as it is where it has something in it
        that this module does not know.
    """
    try:
        pieces, definitions = _parts(expression)
    except (SyntaxError, ValueError):
        return f"${left}$ = {expression}"
    first, condition = pieces[0]
    text = f"${left} = {first}$" + (f" if ${condition}$" if condition else "")
    for value, condition in pieces[1:]:
        text += f", ${value}$ if ${condition}$" if condition else f", else ${value}$"
    return ", ".join([text, *(f"${symbol} = {meaning}$" for symbol, meaning in definitions)])


def latex(left: str, expression: str) -> str:
    """Typeset an equation on a line of its own, its cases one below the other.

    Parameters
    ----------
    left : str
        The left-hand side, typeset already.
    expression : str
        As for `typeset`.

    Returns
    -------
    str
        LaTeX without dollars.

    Raises
    ------
    ValueError
        For an expression that has something in it that this module does not know.
    """
    pieces, definitions = _parts(expression)
    right = pieces[0][0]
    if len(pieces) > 1:
        lines = [
            rf"{value} & \text{{if }} {condition}" if condition else rf"{value} & \text{{else}}"
            for value, condition in pieces
        ]
        right = r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"
    where = [rf"{symbol} = {meaning}" for symbol, meaning in definitions]
    return r",\quad ".join([f"{left} = {right}", *where])


def _parts(expression: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the cases of a formula and the names it defines, typeset."""
    body, *definitions = re.split(r",\s*(?=\w+ = )", expression)
    pieces = _pieces(_lifted(ast.parse(body, mode="eval").body))
    defined = []
    for definition in definitions:
        symbol, _, meaning = definition.partition(" = ")
        defined.append((name(symbol), _typeset(ast.parse(meaning, mode="eval").body)[0]))
    return pieces, defined
