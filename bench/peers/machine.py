"""What was measured on, and when."""
import os
import platform
import re
import time

FLAGS = ('avx2', 'fma', 'f16c', 'avx512f', 'avx512bw', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'asimd')


def cpu():
    """Model name and the flags that matter here."""
    with open('/proc/cpuinfo', encoding='utf-8') as file:
        text = file.read()
    model = re.search(r'^(?:model name|CPU part)\s*:\s*(.*)$', text, re.M)
    flags = re.search(r'^(?:flags|Features)\s*:\s*(.*)$', text, re.M)
    have = flags.group(1).split() if flags else []
    return model.group(1).strip() if model else platform.machine(), [flag for flag in FLAGS if flag in have]


def cores():
    return len(os.sched_getaffinity(0))


def file_name():
    model = re.sub(r'\(.*?\)|@.*|\bcpu\b|processor', '', cpu()[0].lower())
    return '%s-%s-%d' % (time.strftime('%Y-%m-%d'), re.sub(r'[^a-z0-9]+', '-', model).strip('-'), cores())


def describe(options):
    model, flags = cpu()
    return {
        'date': time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime()),
        'processor': model, 'cores': cores(), 'flags': ' '.join(flags),
        'system': '%s %s' % (platform.system(), platform.release()),
        'load': '%.1f' % os.getloadavg()[0],
        'photos': len(options.photos), 'rounds': options.rounds, 'seconds': options.seconds,
    }
