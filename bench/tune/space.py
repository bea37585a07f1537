"""What a search may choose from.

The values of some settings, and which of their combinations are one and the same.
"""

import itertools
import json
import math
import random
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from bench import CONF
from bench.plan.methods import METHODS, method_config
from bench.plan.nesting import flat, flat_config, merged, nested
from decoding.errors import UserError
from decoding.method import require_new_names
from decoding.settings import canonical

# A space of at most this many combinations is gone through to its end; no search exhausts a larger
# one.
LISTED = 5000
PROPOSALS = 200


@dataclass(frozen=True)
class Space:
    """Values to choose from.

    Attributes:
        values: setting to its values, `part.setting` in a part.
        base: the method's settings, `name` among them, of which a choice replaces some.
    """

    values: Mapping[str, list[Any]]
    base: Mapping[str, Any]

    def config(self, choice: Mapping[str, Any]) -> Any:
        """The typed config, silent settings at their defaults.

        Raises:
            UserError: the values cannot stand together.
        """
        return canonical(method_config(merged(self.base, nested(choice))))

    def key(self, choice: Mapping[str, Any]) -> str:
        """What two choices have in common that are one setting.

        Raises:
            UserError: the values cannot stand together.
        """
        return json.dumps(asdict(self.config(choice)), sort_keys=True)

    def other(self, tried: Container[str], seed: int) -> dict[str, Any] | None:
        """A choice that stands and whose key was not tried before, at random.

        None if there is none left.
        """
        draw = random.Random(seed)
        choices: Iterator[dict[str, Any]]
        if math.prod(map(len, self.values.values())) > LISTED:
            choices = ({key: draw.choice(each) for key, each in self.values.items()} for _ in range(PROPOSALS))
        else:
            listed = [dict(zip(self.values, each, strict=True)) for each in itertools.product(*self.values.values())]
            draw.shuffle(listed)
            choices = iter(listed)
        for choice in choices:
            try:
                if self.key(choice) not in tried:
                    return choice
            except UserError:
                continue
        return None


def read_space(name: str, method: str) -> dict[str, list[Any]]:
    """The values to choose from in conf/search/<name>.yaml, by setting (`part.setting` in a part).

    Raises:
        UserError: the file is not there, or holds something else.
    """
    file = CONF / "search" / f"{name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        raise UserError(f"there is no search space {name}: choose among {known}, or write {file}")
    try:
        content = OmegaConf.to_container(OmegaConf.load(file))
    except (YAMLError, OmegaConfBaseException) as error:
        raise UserError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    settings = flat_config(METHODS[method].load().Config())
    # Its names are what YAML has them be, until each is found among the settings.
    space: dict[Any, Any] = flat(cast(dict[str, Any], content)) if isinstance(content, dict) else {None: content}
    require_new_names(METHODS[method], space, where=f"{file}: ")
    for key, values in space.items():
        if key not in settings:
            raise UserError(f"{file}: {key} is no setting of {method}; they are {', '.join(settings)}")
        distinct = isinstance(values, list) and all(value not in values[:index] for index, value in enumerate(values))
        if not distinct or not values:
            raise UserError(f"{file}: {key} must be a list of different values, not {values}")
    return space
