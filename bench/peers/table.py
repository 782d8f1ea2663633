"""The measurements as Markdown and CSV."""
import csv
import dataclasses
import statistics

# What is wanted of us: times the best peer, in each pass.
WANTED = {('forward', None): 1.0, ('whole', 'mobilenet'): 1.3, ('whole', 'efficientnet'): 1.3, ('whole', None): 1.05}
WANTED_SHARE = {'mobilenet_v1_100': 0.85, 'ssd_inception_v2': 0.85, 'inception_v3': 0.85}  # of the peak


@dataclasses.dataclass
class Result:
    network: str
    kind: str
    cores: int
    engine: str
    version: str
    way: str
    rates: list       # photos a second, one for each round
    processor: list   # seconds of a processor a photo, likewise
    flops: float      # of a photo, convolutions counted as direct ones
    peak: float       # operations a second of the cores used
    difference: float # largest, of a vector's largest value, to ours
    cosine: float     # of a photo's vector and ours, each read in its own way


def wanted(result):
    family = result.network.split('_')[0]
    return WANTED.get((result.kind, family), WANTED[result.kind, None])


class Group:
    """All results of one network, pass and number of cores."""

    def __init__(self, results):
        self.results = results
        self.ours = next(result for result in results if result.engine == 'ours')
        self.peers = [result for result in results if result.engine != 'ours']

    def by_best(self, peer):
        return max(self.ours.rates) / max(peer.rates)

    def by_round(self, peer):
        """Median of the ratios of single rounds: what slows a whole round down does not show."""
        return statistics.median(a / b for a, b in zip(self.ours.rates, peer.rates))

    def by_processor(self, peer):
        """Of the least processor time a photo: what other programs take does not show, but threads that spin do."""
        return min(peer.processor) / min(self.ours.processor)

    def share(self, result):
        return max(result.rates) * result.flops / result.peak


def grouped(results):
    groups = {}
    for result in results:
        groups.setdefault((result.kind, result.cores, result.network), []).append(result)
    return {key: Group(group) for key, group in groups.items()}


def line(cells):
    return '| ' + ' | '.join(cells) + ' |\n'


def head(cells):
    return line(cells) + line(['---'] * len(cells))


def summary(groups):
    text = head(['pass', 'cores', 'network', 'ours, photos/s', 'of FMA peak', 'best peer', 'its photos/s', 'ours / best peer',
                 'by rounds', 'by processor time', 'wanted'])
    for (kind, cores, network), group in groups.items():
        cells = [kind, str(cores), network, '%.1f' % max(group.ours.rates), share(group) if kind == 'forward' else '-']
        if group.peers:
            peer = min(group.peers, key=group.by_best)
            ratio = group.by_best(peer)
            cells += [peer.engine, '%.1f' % max(peer.rates), ('%.2f' if ratio >= wanted(peer) else '**%.2f**') % ratio,
                      '%.2f' % min(map(group.by_round, group.peers)), '%.2f' % min(map(group.by_processor, group.peers))]
        else:
            cells += ['-'] * 5
        text += line(cells + ['%.2f' % wanted(group.ours)])
    return text


def share(group):
    aim = WANTED_SHARE.get(group.ours.network)
    return '%.0f%%' % (100 * group.share(group.ours)) + (' (wanted %.0f%%)' % (100 * aim) if aim else '')


def details(groups, kind, cores):
    """Rows of engines, columns of networks: best (median) photos/s, and as a ratio to ours."""
    chosen = {network: group for (k, c, network), group in groups.items() if (k, c) == (kind, cores)}
    engines = list(dict.fromkeys(result.engine for group in chosen.values() for result in group.results))
    text = head(['engine'] + list(chosen))
    for engine in engines:
        cells = [engine]
        for group in chosen.values():
            result = next((r for r in group.results if r.engine == engine), None)
            cells.append('%.1f (%.1f), %.2f' % (max(result.rates), statistics.median(result.rates),
                                                1 / group.by_best(result)) if result else '-')
        text += line(cells)
    return text


def setups(results):
    """How each contender was set up, and how far its vectors are from ours."""
    text = head(['engine', 'version', 'network', 'cores', 'pass', 'set up as', 'difference', 'cosine'])
    for result in sorted(results, key=lambda r: (r.engine != 'ours', r.engine)):
        text += line([result.engine, result.version, result.network, str(result.cores), result.kind, result.way,
                      '%.1e' % result.difference, '%.4f' % result.cosine])
    return text


def markdown(about, results):
    groups = grouped(results)
    peaks = {result.cores: result.peak for result in results}
    text = '# Photos a second, %(date)s\n\n%(processor)s, %(cores)d cores, %(flags)s; %(system)s; load when begun %(load)s.\n' % about
    text += 'Multiply-add peak: %s.\n' % ', '.join('%.1f GFLOP/s on %d core%s' % (peak / 1e9, n, 's' * (n > 1))
                                                   for n, peak in sorted(peaks.items()))
    text += 'The same %(photos)d photos for all, %(rounds)d rounds in random order, %(seconds)g s each.\n' % about
    text += '\n' + summary(groups)
    for kind, cores in dict.fromkeys((kind, cores) for kind, cores, _ in groups):
        text += '\n## %s, %d core%s\n\nPhotos/s: best (median), ratio of the best to ours.\n\n' % (
            {'forward': 'Forward pass', 'whole': 'JPEG files to vectors'}[kind], cores, 's' * (cores > 1))
        text += details(groups, kind, cores)
    return text + '\n## Setups\n\n' + setups(results)


COLUMNS = ('date', 'processor', 'cores_there', 'flags', 'system', 'pass', 'cores', 'network', 'engine', 'version', 'setup',
           'best', 'median', 'processor_ms', 'to_ours_best', 'to_ours_rounds', 'to_ours_processor', 'share_of_peak', 'difference', 'cosine', 'rounds')


def rows(about, results):
    for (kind, cores, network), group in grouped(results).items():
        for result in group.results:
            yield (about['date'], about['processor'], about['cores'], about['flags'], about['system'], kind, cores, network,
                   result.engine, result.version, result.way, '%.2f' % max(result.rates),
                   '%.2f' % statistics.median(result.rates), '%.4f' % (1e3 * min(result.processor)),
                   '%.3f' % (1 / group.by_best(result)), '%.3f' % (1 / group.by_round(result)),
                   '%.3f' % (1 / group.by_processor(result)), '%.3f' % group.share(result), '%.2e' % result.difference,
                   '%.4f' % result.cosine, ' '.join('%.1f' % rate for rate in result.rates))


def write(path, about, results):
    with open(path + '.md', 'w', encoding='utf-8') as file:
        file.write(markdown(about, results))
    with open(path + '.csv', 'w', encoding='utf-8', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        writer.writerows(rows(about, results))
