"""TensorFlow Lite metadata (metadata_schema.fbs)."""

from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BYTE, GRAY, RGB
from normstat.formats.base import Header, Reading, numbers, reading
from normstat.formats.one_call import OneCall
from normstat.formats.snippets import Slot, Snippet, need


class TfLite(OneCall):
    """y = (code − mean) / std, 8-bit RGB or gray (table NormalizationOptions)."""

    name = "tflite"
    formula = "(code − mean) / std"
    call = "create_for_inference"
    arguments = ("model_buffer", "input_norm_mean", "input_norm_std")
    centre, spread = "input_norm_mean", "input_norm_std"
    marks = (r"\bcreate_for_inference\(",)
    template = """\
# normstat: mean and std in units of the codes
# {header}
from tflite_support.metadata_writers import image_classifier, writer_utils


def with_metadata(model_file, label_file):
    return image_classifier.MetadataWriter.create_for_inference(
        writer_utils.load_file(model_file),
        input_norm_mean={input_norm_mean},
        input_norm_std={input_norm_std},
        label_file_paths=[label_file],
    )
"""

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = snippet.only(self.call, *self.arguments)
        return {name: found[name] for name in (self.centre, self.spread)}

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(need(values, name), name) for name in (self.centre, self.spread))
        channels = {1: GRAY, len(RGB): RGB}.get(max(len(mean), len(std)))
        if channels is None:
            raise SpecError(f"tflite takes 1 or 3 channels, not {max(len(mean), len(std))}")
        return reading(mean, std, code_max=BYTE, channels=channels)


FORMAT = TfLite()
