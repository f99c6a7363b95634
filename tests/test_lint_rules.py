"""Every rule finds what real code gets wrong, and nothing in code that is about something else."""

from textwrap import dedent

import pytest

from normstat.linting.judging import lint
from normstat.linting.rules import RULES
from normstat.presets import load_catalogue

PRESETS = [each.spec() for each in load_catalogue()]


def codes(folder, name, text):
    """The codes of the findings in one file."""
    (folder / name).write_text(dedent(text).lstrip("\n"))
    report = lint(folder / name)
    assert report.notices == []
    return [finding.code for finding in report.findings]


# What is wrong, in which file, how it is written: at least one row a rule and a spelling.
WRONG = [
    # one digit off
    ("NS001", "a.py", "IMAGENET_MEAN = [0.485, 0.456, 0.406]\nIMAGENET_STD = [0.299, 0.224, 0.225]"),
    ("NS001", "a.py", "mean = (0.485, 0.465, 0.406)\nstd = (0.229, 0.224, 0.225)"),
    ("NS001", "a.py", "normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.255])"),
    ("NS001", "a.py", "t = T.Normalize([0.485, 0.456, 0.406], [0.229, 0.244, 0.225])"),
    ("NS001", "a.py", "from torchvision.transforms import functional as F\nx = F.normalize(x, [0.485, 0.456, 0.46], [0.229, 0.224, 0.225])"),
    ("NS001", "a.py", "self.register_buffer('mean', torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))\nself.register_buffer('std', torch.tensor([0.229, 0.224, 0.2225]).view(1, 3, 1, 1))"),
    ("NS001", "a.py", "MEAN = np.array([123.675, 116.28, 130.53])\nSTD = np.array([58.395, 57.12, 57.375])"),
    ("NS001", "a.py", "img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.357], to_rgb=True)"),
    ("NS001", "a.py", "OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)\nOPENAI_STD = (0.26862954, 0.26130258, 0.27557711)"),
    ("NS001", "a.py", "blob = cv2.dnn.blobFromImage(cv2.resize(image, (300, 300)), 1.0, (300, 300), (104.0, 177.0, 123.0))"),
    ("NS001", "a.py", "blob = cv2.dnn.blobFromImage(image, 1.0, (300, 300), mean=(104, 117, 132))"),
    ("NS001", "a.py", "trans = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3018,))])"),
    ("NS001", "a.py", "t = Normalize((0.4914, 0.4822, 0.4456), (0.2470, 0.2435, 0.2616))"),
    ("NS001", "a.py", "class C:\n    mean = [0.485, 0.456, 0.406]\n    std = [0.229, 0.224, 0.0225]"),
    ("NS001", "a.py", "def f(x, mean=(0.485, 0.456, 0.406), std=(0.229, 0.242, 0.225)):\n    return x"),
    ("NS001", "a.py", "imagenet_stats = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.2225])"),
    ("NS001", "a.py", "mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.125]"),
    ("NS001", "a.py", "STATS = {'imagenet': {'mean': [0.485, 0.456, 0.406], 'std': [0.292, 0.224, 0.225]}}"),
    ("NS001", "a.py", "MEAN = {'cifar100': (0.5071, 0.4867, 0.4408)}\nSTD = {'cifar100': (0.2657, 0.2565, 0.2761)}"),
    ("NS001", "a.py", "parser.add_argument('--mean', nargs=3, type=float, default=[0.485, 0.456, 0.406])\nparser.add_argument('--std', nargs=3, type=float, default=[0.229, 0.224, 0.252])"),
    ("NS001", "a.py", "_C.MODEL.PIXEL_MEAN = [103.530, 116.280, 123.675]\n_C.MODEL.PIXEL_STD = [57.375, 57.120, 58.935]"),
    ("NS001", "a.py", "t = A.Compose([A.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.25), max_pixel_value=255.0)])"),
    ("NS001", "preprocessor_config.json", '{"do_rescale": true, "rescale_factor": 0.00392156862745098,\n "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.255]}'),
    ("NS001", "config.json", '{"pretrained_cfg": {"crop_pct": 0.9, "interpolation": "bicubic", "mean": [0.48145466, 0.4578275, 0.4082173], "std": [0.26862954, 0.26130258, 0.27577711]}}'),
    ("NS001", "rcnn.yaml", "MODEL:\n  PIXEL_MEAN: [103.530, 116.280, 123.765]\n  PIXEL_STD: [1.0, 1.0, 1.0]\nINPUT:\n  FORMAT: BGR\n"),
    ("NS001", "data.yaml", "normalize:\n  mean:\n    - 0.485\n    - 0.456\n    - 0.406\n  std:\n    - 0.229\n    - 0.224\n    - 0.252\n"),
    ("NS001", "train.toml", "[data]\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.2225]\n"),
    ("NS001", "a.ipynb", '{"cells": [{"cell_type": "markdown", "source": ["text"]},\n {"cell_type": "code", "source": ["%matplotlib inline\\n", "mean = [0.485, 0.456, 0.406]\\n", "std = [0.229, 0.224, 0.252]\\n"]},\n {"cell_type": "code", "source": "T.Normalize((0.485, 0.456, 0.406), (0.299, 0.224, 0.225))"}]}'),
    # the other order
    ("NS002", "a.py", "mean = [0.406, 0.456, 0.485]\nstd = [0.225, 0.224, 0.229]"),
    ("NS002", "a.py", "t = transforms.Normalize(mean=[0.406, 0.456, 0.485], std=[0.225, 0.224, 0.229])"),
    ("NS002", "a.py", "img_norm_cfg = dict(mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], to_rgb=True)"),
    ("NS002", "a.py", "data_preprocessor = dict(type='DetDataPreprocessor', mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=True)"),
    ("NS002", "a.py", "img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=False)"),
    ("NS002", "a.py", "t = transforms.Normalize([0.485, 0.456, 0.406], [0.225, 0.224, 0.229])"),
    ("NS002", "a.py", "MEAN_BGR = [0.485, 0.456, 0.406]\nSTD_BGR = [0.229, 0.224, 0.225]"),
    ("NS002", "rcnn.yaml", "MODEL:\n  PIXEL_MEAN: [123.675, 116.28, 103.53]\n  PIXEL_STD: [58.395, 57.12, 57.375]\nINPUT:\n  FORMAT: BGR\n"),
    ("NS002", "a.json", '{"image_mean": [0.40821073, 0.4578275, 0.48145466], "image_std": [0.27577711, 0.26130258, 0.26862954]}'),
    # units
    ("NS003", "a.py", "mean = [123.675, 116.28, 103.53]\nstd = [0.229, 0.224, 0.225]"),
    ("NS003", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [58.395, 57.12, 57.375]"),
    ("NS003", "a.py", "import torchvision.transforms as T\nt = T.Compose([T.ToTensor(), T.Normalize(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])])"),
    ("NS003", "a.py", "from torchvision.transforms import Normalize\nt = Normalize((124, 116, 104), (58, 57, 57))"),
    ("NS003", "a.py", "import albumentations as A\nt = A.Normalize(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))"),
    ("NS003", "a.py", "from torchvision.transforms import v2\nMEAN = [123.675, 116.28, 103.53]\nSTD = [58.395, 57.12, 57.375]\nt = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean=MEAN, std=STD)])"),
    ("NS003", "a.py", "model = dict(data_preprocessor=dict(type='ImgDataPreprocessor', mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225], bgr_to_rgb=True))"),
    ("NS003", "a.py", "from torchvision import transforms\nt = transforms.Normalize(mean=[0.485 * 255, 0.456 * 255, 0.406 * 255], std=[0.229 * 255, 0.224 * 255, 0.225 * 255])"),
    ("NS003", "a.py", "from torchvision import transforms\nt = transforms.Normalize([117.2, 109.8, 100.1], [0.25, 0.24, 0.26])"),
    ("NS003", "preprocessor_config.json", '{"do_rescale": true, "rescale_factor": 0.00392156862745098, "image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375]}'),
    ("NS003", "hydra.yaml", "transform:\n  _target_: torchvision.transforms.Normalize\n  mean: [123.675, 116.28, 103.53]\n  std: [58.395, 57.12, 57.375]\n"),
    # two presets
    ("NS004", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [0.26862954, 0.26130258, 0.27577711]"),
    ("NS004", "a.py", "t = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.229, 0.224, 0.225))"),
    ("NS004", "a.py", "t = transforms.Normalize((0.5071, 0.4867, 0.4408), (0.2470, 0.2435, 0.2616))"),
    ("NS004", "a.py", "t = transforms.Normalize([0.485, 0.456, 0.406], [0.5, 0.5, 0.5])"),
    ("NS004", "a.yml", "mean: [0.48145466, 0.4578275, 0.40821073]\nstd: [0.229, 0.224, 0.225]\n"),
    # no std
    ("NS005", "a.py", "import albumentations as A\nt = A.Normalize(mean=(0.5, 0.5, 0.5))"),
    ("NS005", "a.py", "from torchvision import transforms\nt = transforms.Normalize(mean=[0.485, 0.456, 0.406])"),
    ("NS005", "a.py", "IMAGENET_MEAN = [0.485, 0.456, 0.406]\n\ndef f(x):\n    return x - IMAGENET_MEAN"),
    ("NS005", "a.json", '{"image_mean": [0.48145466, 0.4578275, 0.40821073], "size": 224}'),
    ("NS005", "a.yaml", "data:\n  mean: [0.485, 0.456, 0.406]\n  size: 224\n"),
    # 1/std
    ("NS006", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [1/0.229, 1/0.224, 1/0.225]"),
    ("NS006", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [4.3668, 4.4643, 4.4444]"),
    ("NS006", "a.py", "t = Normalize(mean=[123.675, 116.28, 103.53], std=[0.01712475, 0.017507, 0.01742919])"),
    ("NS006", "a.py", "MEAN = np.array([0.485, 0.456, 0.406])\nSTD = 1 / np.array([0.229, 0.224, 0.225])"),
    ("NS006", "a.toml", "mean = [123.675, 116.28, 103.53]\nstd = [0.0171, 0.0175, 0.0174]\n"),
    # definitions
    ("NS007", "a.py", "t = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))"),
    ("NS007", "a.py", "mean = [0.4467, 0.4398, 0.4066]\nstd = [0.2242, 0.2215, 0.2239]"),
    ("NS007", "a.yaml", "mean: [0.5071, 0.4865, 0.4409]\nstd: [0.2009, 0.1984, 0.2023]\n"),
    # lengths and zeros
    ("NS009", "a.py", "t = transforms.Normalize(mean=[0.5, 0.5, 0.5], std=[0.5, 0.5])"),
    ("NS009", "a.py", "t = T.Normalize((0.485, 0.456, 0.406, 0.5), (0.229, 0.224, 0.225))"),
    ("NS010", "a.py", "t = transforms.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.0])"),
    ("NS010", "hydra.yaml", "_target_: torchvision.transforms.Normalize\nmean: [0.5, 0.5, 0.5]\nstd: [0, 0, 0]\n"),
    # all but one
    ("NS011", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.371]"),
    ("NS011", "a.py", "mean = [123.675, 116.28, 99.1]\nstd = [58.395, 57.12, 57.375]"),
    # variance
    ("NS012", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [0.052441, 0.050176, 0.050625]"),
    ("NS012", "a.py", "mean = [0.485, 0.456, 0.406]\nstd = [s ** 2 for s in [0.229, 0.224, 0.225]]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "name", "text"), WRONG, ids=[f"{i}-{row[0]}-{row[1]}" for i, row in enumerate(WRONG)]
)
def test_what_is_wrong_is_found(tmp_path, code, name, text):
    assert set(codes(tmp_path, name, text)) == {code}


# What is right, or about something else. Nothing may be said of it.
RIGHT = [
    # normalizations as they are published, in every range, order and spelling
    ("torchvision", "a.py", "normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])"),
    ("mnist", "a.py", "transforms.Normalize((0.1307,), (0.3081,))"),
    ("half", "a.py", "transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))"),
    ("half of one", "a.py", "transforms.Normalize(0.5, 0.5)"),
    ("timm constants", "a.py", "IMAGENET_DEFAULT_MEAN = (0.485, 0.456, 0.406)\nIMAGENET_DEFAULT_STD = (0.229, 0.224, 0.225)\nIMAGENET_INCEPTION_MEAN = (0.5, 0.5, 0.5)\nIMAGENET_INCEPTION_STD = (0.5, 0.5, 0.5)\nIMAGENET_DPN_MEAN = (124 / 255, 117 / 255, 104 / 255)\nIMAGENET_DPN_STD = tuple([1 / (.0167 * 255)] * 3)"),
    ("clip", "a.py", "Normalize((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))"),
    ("clip rounded", "a.py", "Normalize((0.481, 0.458, 0.408), (0.269, 0.261, 0.276))"),
    ("mmdet rgb", "a.py", "img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)"),
    ("mmdet caffe", "a.py", "img_norm_cfg = dict(mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0], to_rgb=False)"),
    ("rtmdet", "a.py", "data_preprocessor = dict(type='DetDataPreprocessor', mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=False)"),
    ("mmdet yolo", "a.py", "data_preprocessor=dict(type='DetDataPreprocessor', mean=[0, 0, 0], std=[255., 255., 255.], bgr_to_rgb=True)"),
    ("mmaction", "a.py", "img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_bgr=False)"),
    ("mmagic", "a.py", "dict(type='Normalize', keys=['lq'], mean=[0.5, 0.5, 0.5], std=[0.5, 0.5, 0.5], to_rgb=True)"),
    ("cut in 0-255", "a.py", "pixel_mean = [123.67, 116.28, 103.53]\npixel_std = [58.39, 57.12, 57.37]"),
    ("detectron2", "a.yaml", "MODEL:\n  PIXEL_MEAN: [103.530, 116.280, 123.675]\n  PIXEL_STD: [57.375, 57.120, 58.395]\nINPUT:\n  FORMAT: BGR\n"),
    ("detectron2 mean only", "a.yaml", "MODEL:\n  PIXEL_MEAN: [102.9801, 115.9465, 122.7717]\n"),
    ("maskrcnn code", "a.py", "_C.INPUT.PIXEL_MEAN = [102.9801, 115.9465, 122.7717]\n_C.INPUT.PIXEL_STD = [1., 1., 1.]"),
    ("caffe mean", "a.py", "VGG_MEAN = [103.939, 116.779, 123.68]"),
    ("ssd mean", "a.py", "MEANS = (104, 117, 123)"),
    ("blob", "a.py", "blob = cv2.dnn.blobFromImage(image, 1 / 255.0, (416, 416), (0, 0, 0), swapRB=True, crop=False)"),
    ("blob caffe", "a.py", "blob = cv2.dnn.blobFromImage(image, 1, (224, 224), (104, 117, 123))"),
    ("blob 127.5", "a.py", "cv2.dnn.blobFromImage(frame, 0.007843, (300, 300), 127.5)"),
    ("centernet", "a.py", "mean = np.array([0.40789654, 0.44719302, 0.47026115], dtype=np.float32).reshape(1, 1, 3)\nstd = np.array([0.28863828, 0.27408164, 0.27809835], dtype=np.float32).reshape(1, 1, 3)"),
    ("undo", "a.py", "inv = transforms.Normalize(mean=[-0.485/0.229, -0.456/0.224, -0.406/0.225], std=[1/0.229, 1/0.224, 1/0.225])"),
    ("undo in two steps", "a.py", "inv = T.Compose([T.Normalize(mean=[0., 0., 0.], std=[1/0.229, 1/0.224, 1/0.225]), T.Normalize(mean=[-0.485, -0.456, -0.406], std=[1., 1., 1.])])"),
    ("undo half", "a.py", "transforms.Normalize((-1, -1, -1), (2, 2, 2))"),
    ("subtract", "a.py", "transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[1, 1, 1])"),
    ("style transfer", "a.py", "from torchvision import transforms\nprep = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x[torch.LongTensor([2, 1, 0])]), transforms.Normalize(mean=[0.40760392, 0.45795686, 0.48501961], std=[1, 1, 1]), transforms.Lambda(lambda x: x.mul_(255))])"),
    ("fast style", "a.py", "from torchvision import transforms\nt = transforms.Compose([transforms.ToTensor(), transforms.Lambda(lambda x: x.mul(255)), transforms.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])"),
    ("unscaled tensor", "a.py", "from torchvision.transforms import v2\nt = v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=False), v2.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])])"),
    ("albumentations codes", "a.py", "import albumentations as A\nA.Normalize(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), max_pixel_value=1.0)"),
    ("comprehension", "a.py", "mean = [x / 255 for x in [123.675, 116.28, 103.53]]\nstd = [x / 255 for x in [58.395, 57.12, 57.375]]"),
    ("divided array", "a.py", "mean = np.array([123.675, 116.28, 103.53]) / 255.\nstd = np.array([58.395, 57.12, 57.375]) / 255."),
    ("divided later", "a.py", "mean = np.array([123.675, 116.28, 103.53])\nmean = mean / 255\nstd = np.array([0.229, 0.224, 0.225])"),
    ("divided in place", "a.py", "mean = np.array([123.675, 116.28, 103.53])\nmean /= 255\nstd = np.array([0.229, 0.224, 0.225])"),
    ("branches", "a.py", "if name == 'cifar10':\n    mean = (0.4914, 0.4822, 0.4465)\n    std = (0.2470, 0.2435, 0.2616)\nelif name == 'cifar100':\n    mean = (0.5071, 0.4867, 0.4408)\n    std = (0.2675, 0.2565, 0.2761)\nt = transforms.Normalize(mean, std)"),
    ("cifar in many digits", "a.py", "mean = [0.49139968, 0.48215841, 0.44653091]\nstd = [0.24703223, 0.24348513, 0.26158784]"),
    ("cifar with another last digit", "a.py", "Normalize((0.4914, 0.4822, 0.4465), (0.2471, 0.2435, 0.2616))"),
    ("bgr declared", "a.py", "mean_bgr = [0.406, 0.456, 0.485]\nstd_bgr = [0.225, 0.224, 0.229]"),
    ("keras", "a.py", "keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.229 ** 2, 0.224 ** 2, 0.225 ** 2])"),
    ("transformers", "preprocessor_config.json", '{"do_normalize": true, "do_rescale": true, "rescale_factor": 0.00392156862745098, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}'),
    ("not rescaled", "preprocessor_config.json", '{"do_rescale": false, "image_mean": [123.675, 116.28, 103.53], "image_std": [58.395, 57.12, 57.375]}'),
    ("paddle", "a.yml", "transforms:\n  - NormalizeImage:\n      scale: 1./255.\n      mean: [0.485, 0.456, 0.406]\n      std: [0.229, 0.224, 0.225]\n      order: hwc\n"),
    ("dali", "a.py", "fn.crop_mirror_normalize(images, mean=[0.485 * 255, 0.456 * 255, 0.406 * 255], std=[0.229 * 255, 0.224 * 255, 0.225 * 255])"),
    ("openvino", "a.py", "mo.convert_model(m, mean_values=[123.675, 116.28, 103.53], scale_values=[58.395, 57.12, 57.375])"),
    ("ncnn", "a.py", "mean_vals = [123.675, 116.28, 103.53]\nnorm_vals = [1 / 58.395, 1 / 57.12, 1 / 57.375]\nstd = None"),
    ("own statistics", "a.py", "mean = [0.3337, 0.3064, 0.3171]\nstd = [0.2672, 0.2564, 0.2629]"),
    ("own in codes", "a.py", "img_norm_cfg = dict(mean=[72.39, 82.91, 73.16], std=[47.2, 48.1, 47.6], to_rgb=True)"),
    ("sentinel", "a.py", "mean = [1370.19, 1184.38, 1120.77, 1136.26, 1263.74]\nstd = [633.15, 650.28, 712.12, 965.23, 948.98]"),
    ("zeros to fill", "a.py", "transforms.Normalize([0, 0, 0], [0, 0, 0])"),
    # other fields
    ("mel", "a.py", "mean = -4.2677393\nstd = 4.5689974"),
    ("mel config", "a.json", '{"mean": -4.2677393, "std": 4.5689974, "feature_size": 1, "num_mel_bins": 128}'),
    ("audioset", "a.py", "norm_stats = {'audioset': [-4.2677393, 4.5689974], 'esc50': [-6.6268077, 5.358466]}"),
    ("log mel", "a.py", "class Frontend:\n    mel_mean = [0.12, -0.33, 0.52]\n    mel_std = [1.2, 0.8, 0.9]"),
    ("physics", "a.py", "PLANCK = 6.62607015e-34\nMEAN_EARTH_RADIUS = 6371.0088\nMEAN_SOLAR_DAY = 86400.0"),
    ("planets", "a.py", "MEAN_MOTION = [4.0923, 1.6021, 0.9856, 0.5240]\nMEAN_ANOMALY = [174.79, 50.11, 357.52]"),
    ("body size", "a.py", "MEAN_HEIGHT_CM = 175.3\nSTD_HEIGHT_CM = 7.1"),
    ("colours", "a.py", "SKY_MEAN_COLOR = (135, 206, 235)\nGRASS_MEAN_COLOR = (104, 117, 43)"),
    ("fill colour", "a.py", "MEAN_COLOR = (124, 116, 104)"),
    ("padding", "a.py", "img = T.functional.pad(img, padding, fill=tuple(int(x * 255) for x in MEAN))"),
    ("palette", "a.py", "PALETTE = [[120, 120, 120], [180, 120, 120], [6, 230, 230]]"),
    ("anchors", "a.py", "anchors = [[10, 13, 16, 30, 33, 23], [30, 61, 62, 45, 59, 119]]"),
    ("box coder", "a.py", "bbox_coder = dict(type='DeltaXYWHBBoxCoder', target_means=[.0, .0, .0, .0], target_stds=[1.0, 1.0, 1.0, 1.0])"),
    ("box coder of a head", "a.py", "dict(type='DeltaXYWHBBoxCoder', target_means=[0., 0., 0., 0.], target_stds=[0.1, 0.1, 0.2, 0.2])"),
    ("car size", "a.py", "mean = [3.9, 1.6, 1.56]\nstd = [0.43, 0.1, 0.13]"),
    ("betas", "a.py", "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)"),
    ("schedule", "a.py", "lr_mean = [0.1, 0.01, 0.001]\nlr_std = [0.01, 0.001, 0.0001]"),
    ("initialisation", "a.py", "nn.init.normal_(w, mean=0.0, std=0.02)"),
    ("random", "a.py", "x = torch.normal(mean=torch.tensor([0.5, 0.4, 0.3]), std=torch.tensor([1., 1., 1.]))"),
    ("noise", "a.py", "A.GaussNoise(std_range=(0.1, 0.2), mean_range=(0.0, 0.0), p=1.0)"),
    ("unit vectors", "a.py", "from torch.nn import functional as F\nx = F.normalize(x, 2, 1)\ny = F.normalize(x, p=2, dim=1)"),
    ("matplotlib", "a.py", "from matplotlib.colors import Normalize\nnorm = Normalize(1, 0)\nnorm = Normalize(vmin=0, vmax=255)"),
    ("sklearn", "a.py", "from sklearn.preprocessing import normalize\nx = normalize([[1, 2, 3]], norm='l1')"),
    ("unicode", "a.py", "import unicodedata\ns = unicodedata.normalize('NFKC', s)"),
    ("signal", "a.py", "b, a = normalize([1, 2, 3], [1.0, 0, 0])"),
    ("versions", "a.py", "VERSION = (0, 4, 9)\nmean_version = (1, 2, 3)"),
    ("coordinates", "a.py", "PARIS = (48.8566, 2.3522)\nmean_position = [48.85, 2.35, 35.0]\nstd_position = [0.5, 0.4, 10.0]"),
    ("expectation", "a.py", "def test_stats():\n    assert stats == {'mean': [2.5, 3.5, 4.5], 'std': [0.5, 0.5, 0.5]}"),
    ("numpy", "a.py", "a = np.mean([0.485, 0.456, 0.406])\nb = np.std([0.229, 0.224, 0.225])"),
    ("statistics", "a.py", "assert scipy.stats.norm(loc=[1, 2], scale=[3, 4]).mean() == [1, 2]"),
    ("metrics", "a.json", '{"mean_squared_error": [0.485, 0.456, 0.406], "mean_iou": [0.4, 0.5, 0.6]}'),
    ("benchmark", "a.json", '{"benchmarks": [{"stats": {"min": 0.1, "max": 0.3, "mean": 0.1307, "stddev": 0.02}}]}'),
    ("weather", "a.yaml", "variables:\n  t2m: {mean: 278.45, std: 21.25}\n  u10: {mean: -0.08, std: 5.54}\n"),
    ("robot", "stats.json", '{"action": {"mean": [0.1, 0.2, 0.3, 0.4], "std": [0.5, 0.6, 0.7, 0.0], "max": [1, 1, 1, 1]}}'),
    ("prior", "a.yaml", "priors:\n  mean: [0.5, 0.5, 0.5]\n  std: [1.0, 1.0, 1.0]\n"),
    ("text", "a.py", "MEANING = ['0.485', '0.456']\nhelp = 'mean=[0.485, 0.456, 0.406] std=[0.299, 0.224, 0.225]'"),
    ("comment", "a.py", "# mean = [0.485, 0.456, 0.406], std = [0.299, 0.224, 0.225]\nx = 1"),
    ("batch norm", "a.py", "bn.running_mean = torch.zeros(3)\nbn.running_var = torch.ones(3)"),
    ("project", "pyproject.toml", "[project]\nname = 'means'\nversion = '1.2.3'\n[tool.x]\nmean_of = [1, 2, 3]\n"),
    ("stdout", "a.py", "stdout, meaning = [1, 2, 3], [4, 5, 6]"),
    ("huge arithmetic", "a.py", "mean = [10 ** 10 ** 10, 0, 1]\nstd = [0] * 10 ** 12"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [row[1:] for row in RIGHT], ids=[r[0] for r in RIGHT])
def test_nothing_is_said_of_what_is_right_or_of_something_else(tmp_path, name, text):
    assert codes(tmp_path, name, text) == []


def test_collection_is_large_enough_to_mean_something():
    assert min(len(WRONG), len(RIGHT)) >= 60
    assert {code for code, _, _ in WRONG} | {"NS008"} == set(RULES)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.preset.name)
def test_published_numbers_are_no_error(tmp_path, preset):
    """Except for the information that they are means of image stds."""
    text = f"mean = {list(preset.mean)}\nstd = {list(preset.std)}\n"
    assert set(codes(tmp_path, "a.py", text)) <= {"NS007"}
