"""Networks as torch modules, to train, to time or to export, as NATS-Bench builds them, but for absent edges.

Each convolution on an edge has a ReLU and a BatchNorm of its own.
"""

from torch import Tensor, nn

from proxybank import spaces
from proxybank.networks.structure import Network
from proxybank.spaces import Skeleton
from proxybank.spaces.tss import CONV1, CONV3, EDGES, NONE, POOL


class _ReluConvNorm(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1) -> None:
        conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(c_out))


class _Zero(nn.Module):
    """An absent edge that multiplies by 0: what it cuts off has gradients, which are 0."""

    def __init__(self, c_out: int) -> None:
        super().__init__()
        self.c_out = c_out

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by 0, with as many channels as the other edges have."""
        if x.shape[1] == self.c_out:
            return x * 0.0
        return x.new_zeros(len(x), self.c_out, *x.shape[2:])


def _edge(op: int, c_in: int, c_out: int) -> nn.Module:
    if op == NONE:
        return _Zero(c_out)
    if op in (CONV1, CONV3):
        return _ReluConvNorm(c_in, c_out, 3 if op == CONV3 else 1)
    if op == POOL:
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    if c_in == c_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))


class _Cell(nn.Module):
    def __init__(self, ops: tuple[int, ...], c_in: int, c_out: int, *, zeros: bool) -> None:
        super().__init__()
        self.c_out = c_out
        self.edges = nn.ModuleDict(
            {
                f"{source}>{target}": _edge(op, c_in if source == 0 else c_out, c_out)
                for op, (source, target) in zip(ops, EDGES, strict=True)
                if zeros or op != NONE
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Each node is the sum of the edges that reach it."""
        nodes = [x]
        for node in (1, 2, 3):
            names = {f"{source}>{target}": source for source, target in EDGES if target == node}
            arriving = [self.edges[name](nodes[source]) for name, source in names.items() if name in self.edges]
            nodes.append(sum(arriving[1:], arriving[0]) if arriving else x.new_zeros(len(x), self.c_out, *x.shape[2:]))
        return nodes[3]


class _Reduction(nn.Module):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.a = _ReluConvNorm(c_in, c_out, 3, stride=2)
        self.b = _ReluConvNorm(c_out, c_out, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(c_in, c_out, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Two convolutions, of which the first halves the side, beside a shortcut."""
        return self.b(self.a(x)) + self.shortcut(x)


class NetworkModule(nn.Module):
    """A network of either space, initialised as PyTorch does; logits come out.

    Parameters
    ----------
    network : Network
    zeros : bool
        Whether absent edges multiply by 0, as in NATS-Bench's code, and are not left out: the logits are the same, but
        weights that reach no output have gradients.
    """

    def __init__(self, network: Network, *, zeros: bool = False) -> None:
        super().__init__()
        first = network.layers[0].c_in
        conv = nn.Conv2d(network.skeleton.in_channels, first, 3, padding=1, bias=False)
        self.stem = nn.Sequential(conv, nn.BatchNorm2d(first))
        self.layers = nn.ModuleDict()
        for layer in network.layers:
            self.layers[layer.name.replace(".", "_")] = (
                _Reduction(layer.c_in, layer.c_out)
                if layer.ops is None
                else _Cell(layer.ops, layer.c_in, layer.c_out, zeros=zeros)
            )
        self.last = nn.Sequential(nn.BatchNorm2d(network.width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(network.width, network.skeleton.n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (n_images, n_classes)."""
        x = self.stem(images)
        for layer in self.layers.values():
            x = layer(x)
        return self.classifier(self.last(x))


def build(space: str, arch: str, skeleton: Skeleton) -> NetworkModule:
    """Build a network, in training mode.

    Parameters
    ----------
    space : {"tss", "sss"}
    arch : str
        NATS-Bench's architecture string, as the column `arch` of the table ``networks`` has it.
    skeleton : Skeleton
        What surrounds the searched part: the configuration's `spaces`, shape of images and number of classes.

    Raises
    ------
    ConfigError
        If there is no such space.
    TableError
        If the string names no network of the space.
    """
    return NetworkModule(Network(space, tuple(spaces.get(space).parse(arch).tolist()), skeleton))
