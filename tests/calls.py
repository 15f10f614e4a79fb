"""Which actions of AWS each function calls, read from the Rust sources.

    main.rs of a function           builds adapters: aws.profiles()
    crates/aws/src/lib.rs           of which port, in which file: Arc<dyn Profiles>, profiles::Bedrock
    the function's crates           which of the port's methods are called: ports.profiles.delete(…)
    crates/aws/src/profiles.rs      which operations each of these sends: delete_inference_profile()

Nothing is passed over: what does not have one of the forms that are known here is an
:class:`UnreadableError`. Two witnesses must agree on each operation: the SDK's method, whose name botocore's
model of the service translates, and the name that the adapter gives the operation in its errors, which is
IAM's.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import botocore.session
from botocore import xform_name

# Of a crate of the SDK, `aws_sdk_…`: how botocore and how IAM name the service.
SERVICES = {
    "bedrock": ("bedrock", "bedrock"),
    "cloudformation": ("cloudformation", "cloudformation"),
    "cloudwatch": ("cloudwatch", "cloudwatch"),
    "costexplorer": ("ce", "ce"),
    "eventbridge": ("events", "events"),
    "resourcegroupstagging": ("resourcegroupstaggingapi", "tag"),
    "s3": ("s3", "s3"),
    "servicequotas": ("service-quotas", "servicequotas"),
    "sns": ("sns", "sns"),
    "sqs": ("sqs", "sqs"),
    "ssm": ("ssm", "ssm"),
}


@dataclass(frozen=True)
class Besides:
    """What a call needs besides the action of its own name."""

    action: str
    needs: str
    # Where that is so: where the adapter says this, or does not say it.
    where: str
    says: bool
    why: str


BESIDES = (
    Besides(
        "bedrock:CreateInferenceProfile",
        "bedrock:TagResource",
        r"\.\s*(set_)?tags\(",
        True,
        "the tags of a new profile are authorised as a call of their own",
    ),
    Besides(
        "ssm:PutParameter",
        "ssm:AddTagsToResource",
        r"\.\s*(set_)?tags\(",
        True,
        "the tags of a new parameter are authorised as a call of their own",
    ),
    Besides(
        "cloudformation:DescribeStacks",
        "cloudformation:ListStacks",
        r"\.\s*(set_)?stack_name\(",
        False,
        "describing all stacks asks for both",
    ),
    Besides("s3:GetObject", "s3:ListBucket", "", True, "without it, what is not there is answered as denied"),
)

# Crates that are not part of what a function does by itself: the adapters and the traits, and what only tests
# depend on.
NOT_A_FUNCTIONS = {"aws", "ports", "local-aws"}


class UnreadableError(Exception):
    """The sources have a form that is not known here; the text says where."""


# -- Rust, as far as it matters here -----------------------------------------------------------------

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | b?r(?P<hashes>\#*)".*?"(?P=hashes)
      | b?"(?:\\.|[^"\\])*"
      | b?'(?:\\(?:x..|u\{[^}]*\}|.)|[^\\'\n])'""",
    re.VERBOSE | re.DOTALL,
)


def bare(text: str) -> str:
    """The code without comments, texts and tests, each character at its place."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    code = TOKENS.sub(blank, text)
    while found := re.search(r"#\[cfg\((all\()?test\b[^\]]*\]", code):
        end = re.compile(r"[{;]").search(code, found.end())
        if end is None:
            raise UnreadableError("an item of tests has no end")
        last = end.start() if end[0] == ";" else closing(code, end.start())
        code = (
            code[: found.start()] + re.sub(r"[^\n]", " ", code[found.start() : last + 1]) + code[last + 1 :]
        )
    return code


def closing(code: str, start: int) -> int:
    """Where the bracket that opens at ``start`` closes."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] in "({[") - (code[at] in ")}]")
        if depth == 0:
            return at
    raise UnreadableError("a bracket does not close")


@dataclass(frozen=True)
class Function:
    """A function with a body."""

    name: str
    # The type that it is a method of, and the trait that this is an implementation of.
    of: str | None
    trait: str | None
    body: str


@dataclass
class Source:
    """A file of Rust."""

    path: Path
    text: str = field(init=False, repr=False)
    code: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.text = self.path.read_text()
        self.code = bare(self.text)

    @functools.cached_property
    def constants(self) -> dict[str, str]:
        """The constant texts, by name."""
        return dict(re.findall(r'\bconst (\w+): &str = "([^"\n]*)";', self.text))

    @functools.cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """What comes from another module of this crate: by its name here, the module and its name there."""
        found: dict[str, tuple[str, str]] = {}
        for tree in re.findall(r"\buse crate::([^;]+);", self.code):
            if re.search(r"\bas\b|\*", tree):
                raise UnreadableError(f"{self.path}: what is imported as {tree}")
            for path in leaves(re.sub(r"\s+", "", tree)):
                *module, last = path.split("::")
                if module and last != "self":
                    found[last] = ("::".join(module), last)
        return found

    @functools.cached_property
    def functions(self) -> list[Function]:
        """All functions that have a body."""
        blocks = []
        head = re.compile(
            r"\bimpl\b(?:\s*<[^{]*?>)?\s+(?:(?P<trait>[\w:]+)(?:<[^{]*?>)?\s+for\s+)?(?P<type>[\w:]+)[^{;]*\{"
        )
        for match in head.finditer(self.code):
            trait = match["trait"].split("::")[-1] if match["trait"] else None
            blocks.append((match.end() - 1, closing(self.code, match.end() - 1), match["type"], trait))
        found = []
        for match in re.finditer(r"\bfn\s+(\w+)\s*(?:<[^({]*>)?\s*\(", self.code):
            after = closing(self.code, match.end() - 1)
            body = re.compile(r"[{;]").search(self.code, after)
            if body is None or body[0] == ";":
                continue
            inside = [block for block in blocks if block[0] < match.start() < block[1]]
            of, trait = (inside[-1][2], inside[-1][3]) if inside else (None, None)
            end = closing(self.code, body.start())
            found.append(Function(match[1], of, trait, self.code[body.start() : end + 1]))
        if len(found) < len(re.findall(r"\bfn\s+\w+[^;{]*\{", self.code)):
            raise UnreadableError(f"{self.path}: not every function is understood")
        return found


def leaves(tree: str) -> Iterator[str]:
    """The paths of a tree of imports: ``a::{b,c::d}`` has ``a::b`` and ``a::c::d``."""
    if "{" not in tree:
        yield tree
        return
    start = tree.index("{")
    prefix, depth, part = tree[:start], 0, ""
    for character in [*tree[start + 1 : closing(tree, start)], ","]:
        depth += (character == "{") - (character == "}")
        if character == "," and depth == 0:
            yield from (f"{prefix}{leaf}" for leaf in (leaves(part) if part else ()))
            part = ""
        else:
            part += character


# -- the adapters ------------------------------------------------------------------------------------


@functools.cache
def operations(sdk: str) -> dict[str, str]:
    """The operations of a service, as IAM names them, by the names of the SDK's methods."""
    if sdk not in SERVICES:
        raise UnreadableError(f"aws_sdk_{sdk}: which service that is must be told in SERVICES")
    name, prefix = SERVICES[sdk]
    model = botocore.session.get_session().get_service_model(name)
    return {xform_name(each): f"{prefix}:{each}" for each in model.operation_names}


class Adapters:
    """``crates/aws``: which port each builder is of, and which actions each method of a port calls."""

    def __init__(self, folder: Path) -> None:
        self.sources = {path.stem: Source(path) for path in sorted((folder / "src").glob("*.rs"))}
        # By the builder's name: the port, the file and the type in it.
        self.builders: dict[str, tuple[str, str, str]] = {}
        for each in self.sources["lib"].functions:
            if each.of == "Aws" and (made := re.search(r"Arc::new\(\s*(\w+)::(\w+)::new\(", each.body)):
                port = re.search(rf"\bfn {each.name}\b[^{{]*->\s*Arc<dyn (\w+)>", self.sources["lib"].code)
                if port is None:
                    raise UnreadableError(f"lib.rs: {each.name} builds an adapter of no port")
                self.builders[each.name] = (port[1], made[1], made[2])
        if len(self.builders) != len(re.findall(r"->\s*Arc<dyn \w+>", self.sources["lib"].code)):
            raise UnreadableError("lib.rs: not every method that builds an adapter is understood")

    def methods(self, builder: str) -> dict[str, set[str]]:
        """The actions of each method of the port that a builder is of."""
        port, module, of = self.builders[builder]
        source = self.sources[module]
        found = {
            each.name: self.actions(module, each)
            for each in source.functions
            if (each.trait, each.of) == (port, of)
        }
        if not found:
            raise UnreadableError(f"{module}.rs: {of} is no {port}")
        return found

    def actions(self, module: str, function: Function, seen: frozenset[str] = frozenset()) -> set[str]:
        """What a function calls, by itself and by others."""
        source, called = self.sources[module], self.sent(module, function)
        seen |= {f"{module}::{function.of}::{function.name}"}
        for other_module, other in self.mentioned(source, module, function):
            if f"{other_module}::{other.of}::{other.name}" not in seen:
                called |= self.actions(other_module, other, seen)
        return called

    def sent(self, module: str, function: Function) -> set[str]:
        """What a function sends by itself."""
        source, where = self.sources[module], f"{module}.rs: {function.name}"
        sdks = set(re.findall(r"\baws_sdk_(\w+)::", source.code))
        known = {name: action for sdk in sdks for name, action in operations(sdk).items()}
        calls = re.findall(r"\.\s*(\w+)\s*\(\s*\)", function.body)
        called = [known[name] for name in calls if name in known]
        sends = len(re.findall(r"\.\s*send(?:_with)?\s*\(\s*\)", function.body)) if sdks else 0
        if "paginator" in function.body or len(called) != sends:
            raise UnreadableError(f"{where} sends {sends} requests, and calls {called}")
        named = {self.constant(source, name) for name in re.findall(r"\bfailed\(([\w:]+)\)", function.body)}
        if named != set(called):
            raise UnreadableError(f"{where} calls {called}, and names {sorted(named)} in its errors")
        for besides in BESIDES:
            if besides.action in called and bool(re.search(besides.where, function.body)) == besides.says:
                called.append(besides.needs)
        return set(called)

    def constant(self, source: Source, name: str) -> str:
        """The text of a constant, which may come from another module."""
        *module, last = name.split("::")
        if not module and last in source.constants:
            return source.constants[last]
        there, last = (module[-1], last) if module else source.imports.get(last, ("", last))
        if there not in self.sources or last not in self.sources[there].constants:
            raise UnreadableError(f"{source.path.name}: what {name} is")
        return self.sources[there].constants[last]

    def mentioned(self, source: Source, module: str, function: Function) -> Iterator[tuple[str, Function]]:
        """The functions that a function may call: all whose names it says."""
        for each in source.functions:
            pattern = rf"\bself\s*\.\s*{each.name}\s*\(" if each.of else rf"\b{each.name}\b"
            if (each.of is None or (each.of == function.of and each.trait is None)) and re.search(
                pattern, function.body
            ):
                yield module, each
        names = {
            name: place for name, place in source.imports.items() if re.search(rf"\b{name}\b", function.body)
        }
        for there, name in re.findall(r"\b(\w+)::(\w+)\s*\(", function.body):
            names[f"{there}::{name}"] = (there, name)
        for there, name in names.values():
            for each in self.sources[there].functions if there in self.sources else ():
                if each.name == name and each.of is None:
                    yield there, each


# -- the functions -----------------------------------------------------------------------------------


class Workspace:
    """All crates."""

    def __init__(self, root: Path) -> None:
        self.crates = root / "crates"
        self.adapters = Adapters(self.crates / "aws")
        self._actions: dict[str, set[str]] = {}
        # By the port's name, its methods.
        self.ports: dict[str, set[str]] = {}
        code = Source(self.crates / "ports" / "src" / "lib.rs").code
        for match in re.finditer(r"\bpub trait (\w+)[^{]*\{", code):
            body = code[match.end() : closing(code, match.end() - 1)]
            self.ports[match[1]] = set(re.findall(r"\bfn (\w+)\s*[<(]", body))
        for path in self.crates.glob("*/Cargo.toml"):
            if path.parent.name != "aws" and re.search(r"^aws-sdk-", path.read_text(), re.MULTILINE):
                raise UnreadableError(f"{path}: only crates/aws calls AWS")

    def needs(self, package: str) -> set[str]:
        """A package and those of this workspace that it is built of."""
        found, waiting = set(), [package]
        while waiting:
            name = waiting.pop()
            if name in found or name in NOT_A_FUNCTIONS:
                continue
            found.add(name)
            manifest = (self.crates / name / "Cargo.toml").read_text()
            wanted = re.search(r"^\[dependencies\]\n(.*?)(?=^\[|\Z)", manifest, re.MULTILINE | re.DOTALL)
            names = re.findall(r"^([\w-]+)(?:\.workspace)?\s*=", wanted[1] if wanted else "", re.MULTILINE)
            waiting += [each for each in names if (self.crates / each).is_dir()]
        return found

    def builds(self, package: str) -> set[str]:
        """The builders of the adapters that a function has."""
        found: set[str] = set()
        for path in sorted((self.crates / package / "src").rglob("*.rs")):
            code = Source(path).code
            if not re.search(r"\baws::|\bAws\b", code):
                continue
            if re.search(r"\b\w+\s*:\s*(?:&\s*)?(?:aws::)?Aws\b", code) or "Aws::from_environment" in code:
                found |= {
                    name for name in re.findall(r"\.\s*(\w+)\s*\(", code) if name in self.adapters.builders
                }
        if not found:
            raise UnreadableError(f"{package}: which adapters it builds")
        return found

    def uses(self, package: str) -> dict[str, set[str]]:
        """By port, the methods that a function calls."""
        used: dict[str, set[str]] = defaultdict(set)
        for name in sorted(self.needs(package)):
            if not re.search(r"^ports\b", (self.crates / name / "Cargo.toml").read_text(), re.MULTILINE):
                continue
            paths = sorted((self.crates / name / "src").rglob("*.rs"))
            for port, methods in Uses(self.ports, [Source(path) for path in paths]).found.items():
                used[port] |= methods
        return used

    def actions(self, package: str) -> set[str]:
        """All that a function calls."""
        if package in self._actions:
            return self._actions[package]
        used, actions = self.uses(package), set()
        for builder in self.builds(package):
            port = self.adapters.builders[builder][0]
            methods = self.adapters.methods(builder)
            if port not in self.ports:
                if any(methods.values()):
                    raise UnreadableError(f"{port} calls AWS, and is no port")
                continue
            if missing := used[port] - methods.keys():
                raise UnreadableError(f"{builder}: what {missing} of {port} do")
            if not used[port]:
                raise UnreadableError(
                    f"{package} builds the adapter {builder}, and no call of {port} is found"
                )
            actions |= {action for method in used[port] for action in methods[method]}
        self._actions[package] = actions
        return actions


class Uses:
    """Which methods of which ports a crate calls.

    Ports are held by structures (``profiles: Arc<dyn Profiles>``), whose values have names
    (``ports: &Ports``), or go by a name of their own (``models: &dyn Models``). Each time that a held port is
    named it is called, or goes on under such a name.
    """

    HOLDS = r"(?:Option\s*<\s*)?(?:&\s*(?:'\w+\s+)?|Arc\s*<\s*|Box\s*<\s*)(?:dyn\s+|impl\s+)(?:ports::)?"

    def __init__(self, ports: dict[str, set[str]], sources: list[Source]) -> None:
        self.ports = ports
        self.code = "\n".join(source.code for source in sources)
        self.found: dict[str, set[str]] = defaultdict(set)
        any_port = "|".join(ports)
        self.fields, holders = self.structures(any_port)
        # Names that a port goes by on its own.
        self.names: dict[str, set[str]] = defaultdict(set)
        for name, port in re.findall(rf"\b(\w+)\s*:\s*{self.HOLDS}({any_port})\b", self.code):
            self.names[port].add(name)
        generic = rf"\b(?:fn|impl|struct|enum)\b(?:\s+\w+)?\s*<[^>(]*:\s*(?:ports::)?({any_port})\b"
        if match := re.search(generic, self.code):
            raise UnreadableError(f"what a generic {match[1]} is called: {match[0]}")
        for base in sorted(self.bases(holders)):
            for match in re.finditer(rf"\b{base}\s*\.\s*(\w+)\b", self.code):
                if match[1] in self.fields:
                    self.held(match)
        for port, names in self.names.items():
            for name in names:
                for match in re.finditer(rf"\b{name}\s*\.\s*(\w+)\s*\(", self.code):
                    if match[1] in ports[port]:
                        self.found[port].add(match[1])

    def structures(self, any_port: str) -> tuple[dict[str, str], set[str]]:
        """The ports by the fields that hold them, and the structures that have such fields."""
        fields: dict[str, str] = {}
        holders: set[str] = set()
        for match in re.finditer(r"\bstruct (\w+)[^{;(]*\{", self.code):
            body = self.code[match.end() : closing(self.code, match.end() - 1)]
            for name, port in re.findall(rf"\b(\w+)\s*:\s*{self.HOLDS}({any_port})\b", body):
                if fields.setdefault(name, port) != port:
                    raise UnreadableError(f"{name} is a {fields[name]} here and a {port} there")
                holders.add(match[1])
        return fields, holders

    def bases(self, holders: set[str]) -> set[str]:
        """The names of values that hold ports."""
        if not holders:
            return set()
        kinds = "|".join(holders)
        found = set(re.findall(rf"\b(\w+)\s*:\s*(?:&\s*(?:'\w+\s+)?)?(?:mut\s+)?(?:{kinds})\b", self.code))
        while True:
            names = "|".join(found)
            more = set(re.findall(rf"\blet\s+(\w+)\s*=\s*&?\s*(?:\w+\s*\.\s*)*(?:{names})\s*;", self.code))
            if more <= found:
                return found
            found |= more

    def held(self, match: re.Match[str]) -> None:
        """One place where a held port is named."""
        port, rest = self.fields[match[1]], self.code[match.end() :]
        if call := re.match(r"\s*\.\s*(\w+)\s*\(", rest):
            if call[1] in self.ports[port]:
                self.found[port].add(call[1])
                return
            if call[1] not in ("as_deref", "as_ref", "clone"):
                raise UnreadableError(f"what {match[0]}.{call[1]} does")
        statement = self.code[
            max(self.code.rfind(end, 0, match.start()) for end in ";{}") + 1 : match.start()
        ]
        if bound := re.search(r"\blet\b(.*?)=(?!=)", statement, re.DOTALL):
            self.names[port] |= set(re.findall(r"\b[a-z_]\w*\b", bound[1])) - {"mut", "ref"}
        elif not self.names[port]:
            raise UnreadableError(f"where {match[0]} goes")
