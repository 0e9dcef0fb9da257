"""Where code lets the order of a set through: that order follows PYTHONHASHSEED, so it is another in every process.

The scan reads one file's syntax tree and follows no values: a set is what is written as one (a literal, a
comprehension, `set(...)`, an operator or method on one, `|`, `&`, `-`, `^` with dict views) or a name, attribute,
parameter or function that is assigned or annotated as one somewhere in the file.
"""

import ast
from collections.abc import Iterator

MARK = "# a set of integers"  # small integers hash to themselves: their order is the same in every process
SET_TYPES = ("set", "frozenset", "Set", "AbstractSet", "MutableSet")
SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")
VIEWS = ("keys", "items")
SAFE = ("sorted", "min", "max", "len", "any", "all", "set", "frozenset")  # what comes out knows no order
SAFE_METHODS = (*SET_METHODS, "update", "issubset", "issuperset", "isdisjoint", "discard", "intersection_update")
WALKS = ("list", "tuple", "iter", "enumerate", "zip", "map", "filter", "sum", "reversed", "str", "repr", "deque")
WALKING_METHODS = ("join", "extend", "fromkeys", "array", "fromiter", "concatenate", "stack", "chain", "writelines")
FUNCTIONS = (ast.FunctionDef, ast.Lambda)
OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)


def unordered(source: str) -> list[tuple[int, str]]:
    """Returns (line, code) of every place where the order of a set, or `hash`, decides what comes out.

    A place is let through where a line of it ends in `# a set of integers`.
    """
    tree, lines = ast.parse(source), source.splitlines()
    found = _Scan(tree).found
    return sorted(
        {
            (node.lineno, ast.unparse(node))
            for node in found
            if not any(MARK in line for line in lines[node.lineno - 1 : node.end_lineno])
        }
    )


def _known_sets(scope: ast.AST, around: dict[str, bool]) -> dict[str, bool]:
    """Returns the names, attributes and functions that hold or give a set in a scope and around it; True: a container
    of sets.
    """
    known, bindings = dict(around), list(_bindings(scope))
    while True:  # until no assignment from a known name adds another
        before = len(known)
        for target, value in bindings:
            name = _name_of(target)
            if name and is_set(value, known):
                known[name] = False
            elif name and name not in known and _holds_sets(value, known):
                known[name] = True
        if len(known) == before:
            return known


def _bindings(scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yields (target, value) of every assignment in a scope, `set()` standing for a value that is annotated as a set.

    A module's scope leaves out the variables of its functions, whose names may mean something else elsewhere.
    """
    for node, local in _nodes(scope, False):
        if isinstance(node, ast.FunctionDef) and node.returns is not None and (given := _of_type(node.returns)):
            yield ast.Call(ast.Name(node.name), [], []), given
        for target, value in _assigned(node):
            if not (local and isinstance(target, ast.Name) and isinstance(scope, ast.Module)):
                yield target, value


def _nodes(node: ast.AST, local: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yields every node below, and whether it stands in a function."""
    for child in ast.iter_child_nodes(node):
        yield child, local
        yield from _nodes(child, local or isinstance(child, FUNCTIONS))


def _assigned(node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Yields (target, value) of one statement or parameter, pairs of tuples apart."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(target.elts, node.value.elts)
            else:
                yield target, node.value
    elif isinstance(node, (ast.AugAssign, ast.NamedExpr)):
        yield node.target, node.value
    elif isinstance(node, ast.AnnAssign):
        yield node.target, _of_type(node.annotation) or node.value or ast.Constant(None)
    elif isinstance(node, ast.arg) and node.annotation is not None and (given := _of_type(node.annotation)):
        yield ast.Name(node.arg), given


def _of_type(annotation: ast.AST) -> ast.AST | None:
    """Returns `set()` for an annotation such as `set[str]` or `set[str] | None`, None for another."""
    if isinstance(annotation, ast.BinOp):
        return _of_type(annotation.left) or _of_type(annotation.right)
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    named = head.attr if isinstance(head, ast.Attribute) else getattr(head, "id", None)
    return ast.Call(ast.Name("set"), [], []) if named in SET_TYPES else None


def _name_of(node: ast.AST) -> str | None:
    """Returns how `_known_sets` names a place: `x`, `self.x` or `f()`; None for what it does not follow."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
        return f"{called}()"
    return None


def _holds_sets(node: ast.AST, known: dict[str, bool]) -> bool:
    """Tells whether the expression is a dict, or a list, whose values are sets."""
    if isinstance(node, ast.Dict):
        return any(is_set(value, known) for value in node.values)
    if isinstance(node, ast.DictComp):
        return is_set(node.value, known)
    if isinstance(node, (ast.List, ast.Tuple)):
        return any(is_set(value, known) for value in node.elts)
    if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
        return is_set(node.elt, known)
    return isinstance(node, ast.Call) and ast.unparse(node).endswith(("defaultdict(set)", "default_factory=set)"))


def is_set(node: ast.AST, known: dict[str, bool]) -> bool:
    """Tells whether an expression is a set, as far as the file says."""
    if isinstance(node, (ast.Set, ast.SetComp)):
        return True
    if isinstance(node, ast.IfExp):
        return is_set(node.body, known) or is_set(node.orelse, known)
    if isinstance(node, ast.BoolOp):
        return any(is_set(value, known) for value in node.values)
    if isinstance(node, (ast.NamedExpr, ast.Starred)):
        return is_set(node.value, known)
    if isinstance(node, ast.BinOp) and isinstance(node.op, OPERATORS):
        return any(is_set(side, known) or _is_view(side, node.op) for side in (node.left, node.right))
    if isinstance(node, ast.Subscript):
        return known.get(_name_of(node.value), False)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset"):
            return True
        if isinstance(node.func, ast.Attribute) and node.func.attr in (*SET_METHODS, "copy"):
            return is_set(node.func.value, known)
    return known.get(_name_of(node)) is False


def _is_view(node: ast.AST, operator: ast.AST) -> bool:
    """Tells whether the expression is `d.keys()` or `d.items()`, whose operators give sets."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS


class _Scan(ast.NodeVisitor):
    """A walk over a file that gathers in `found` the nodes by which a set's order gets out."""

    def __init__(self, tree: ast.AST):
        self.known, self.found, self.inside = _known_sets(tree, {}), [], False
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        if self.inside:  # an inner function sees the names around it
            return self.generic_visit(node)
        around, self.inside = self.known, True
        self.known = _known_sets(node, around)
        self.generic_visit(node)
        self.known, self.inside = around, False

    def walks(self, node: ast.AST, where: ast.AST) -> None:
        if is_set(node, self.known):
            self.found.append(where)

    def visit_For(self, node: ast.For) -> None:
        self.walks(node.iter, node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self.walks(node.iter, node.iter)
        self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self.unwatched(node)

    def unwatched(self, node: ast.AST) -> None:
        """Goes on below a comprehension whose own order does not matter."""
        for part in node.generators:
            for child in (part.iter, part.target, *part.ifs):
                self.visit(child)
        self.visit(node.elt)

    def visit_Call(self, node: ast.Call) -> None:
        self.visit(node.func)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        keyed = any(word.arg == "key" for word in node.keywords)  # ties keep the order that came in
        free = (name in SAFE and not keyed) or name in SAFE_METHODS or (name == "sum" and _counts(node))
        if name == "hash" and isinstance(node.func, ast.Name):
            self.found.append(node)
        if name == "pop" and not node.args and is_set(node.func.value, self.known):
            self.found.append(node)
        for child in (*node.args, *(word.value for word in node.keywords)):
            if not free and (name in (*WALKS, *WALKING_METHODS) or name in SAFE or isinstance(child, ast.Starred)):
                self.walks(child, node)
            if free and isinstance(child, (ast.GeneratorExp, ast.ListComp)):
                self.unwatched(child)
            else:
                self.generic_visit(child) if isinstance(child, ast.Starred) else self.visit(child)

    def visit_List(self, node: ast.List) -> None:
        self.unpacks(node)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        self.unpacks(node)

    def unpacks(self, node: ast.List | ast.Tuple) -> None:
        for child in node.elts:
            if isinstance(child, ast.Starred):
                self.walks(child, node)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
            self.walks(node.value, node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.Add):
            self.walks(node.value, node)
        self.generic_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self.walks(node.value, node)
        self.generic_visit(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        self.walks(node.value, node.value)
        self.generic_visit(node)


def _counts(node: ast.Call) -> bool:
    """Tells whether `sum(...)` adds integers for certain: ones, truth values or lengths."""
    if not node.args or not isinstance(node.args[0], ast.GeneratorExp):
        return False
    value = node.args[0].elt
    named = value.func.id if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else ""
    constant = isinstance(value, ast.Constant) and isinstance(value.value, int)
    return constant or isinstance(value, ast.Compare) or named in ("len", "bool", "int")
