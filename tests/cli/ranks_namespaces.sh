#!/bin/sh
# Three machines on one: each a network namespace with an address of its own, a name of its own and its own disk where
# the cache lies, started by mpirun through a program that stands for ssh.  The same bytes as one process writes, and
# what a machine has is not computed again, by more machines or fewer.
#   tests/cli/ranks_namespaces.sh BUILD
set -eu
build=$1
drawn=100
. "$(dirname "$0")/mpirun.sh"
skip() { echo "skipped: $1"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip 'network namespaces need root'
command -v ip >/dev/null && command -v unshare >/dev/null || skip 'no ip or unshare (iproute2, util-linux)'
tag=rt$$
ip netns add $tag-0 2>/dev/null || skip 'network namespaces are not allowed here'
. "$(dirname "$0")/drawn_photos.sh"
trap 'for i in 0 1 2; do ip netns del $tag-$i 2>/dev/null; done; cd / && umount -l "$scratch"/disk* 2>/dev/null; rm -rf "$scratch"' EXIT
ip netns add $tag-1 && ip netns add $tag-2
unshare -m true 2>/dev/null || skip 'mount namespaces are not allowed here'

# A bridge in the first, one end of a cable in each of the others.
net() { n=$1; shift; ip netns exec $tag-$n ip "$@"; }
net 0 link add lan type bridge 2>/dev/null || skip 'this kernel has no bridge'
for i in 1 2; do
    net 0 link add port$i type veth peer name eth0 netns $tag-$i 2>/dev/null || skip 'this kernel has no veth'
    net 0 link set port$i master lan up
    net $i address add 10.77.0.$i/24 dev eth0
    net $i link set eth0 up
    net $i link set lo up
done
net 0 address add 10.77.0.10/24 dev lan
net 0 link set lan up
net 0 link set lo up

mkdir cache
for i in 0 1 2; do mkdir disk$i && mount -t tmpfs "$tag" disk$i; done
# on HOST COMMAND: in its namespaces, with its disk where the cache is.
cat >on <<END
#!/bin/sh
case \$1 in 10.77.0.10) n=0 ;; *) n=\${1##*.} ;; esac
shift
exec ip netns exec $tag-\$n unshare -m -u sh -c 'hostname host'\$n' && mount --bind $scratch/disk'\$n' $scratch/cache && cd $scratch && eval "\$0"' "\$*"
END
chmod +x on

# run HOSTS NAME FLAGS ...
run() {
    hosts=$1 name=$2
    shift 2
    n=$(echo "$hosts" | tr , '\n' | wc -l)
    ./on 10.77.0.10 mpirun --host "$hosts" -n "$n" --mca plm_rsh_agent "$scratch/on" --mca btl tcp,self \
        --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
        "$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 40 \
        --bottleneck_dir cache --output_graph "$scratch/$name.pb" --output_labels "$scratch/$name.txt" \
        --json "$scratch/$name.json" --checkpoint_path "''" --summaries_dir "''" "$@" </dev/null >log 2>&1 ||
        { cat log; exit 1; }
}
# expect WHAT CACHED COMPUTED: and the graph is that of one process.
expect() {
    found=$(sed -n 's/^  "bottlenecks": {\(.*\), "photos_read.*},$/\1/p' last.json)
    [ "$found" = "\"cached\": $2, \"computed\": $3" ] || { cat log; echo "$1: $found"; exit 1; }
    cmp alone.pb last.pb
    cmp alone.txt last.txt
    echo "$1: $found"
}

"$build/retrain" --image_dir photos --tfhub_module "$module" --how_many_training_steps 40 --bottleneck_dir own \
    --output_graph alone.pb --output_labels alone.txt --checkpoint_path '' --summaries_dir '' --logging_verbosity ERROR
three=10.77.0.10,10.77.0.1,10.77.0.2
run $three last && expect 'three machines' 0 100
for i in 0 1 2; do echo "disk $i: $(ls disk$i | tr '\n' ' ')"; done
[ ! -e disk1/retrain.mdb ] && [ -e disk1/retrain.1.mdb ] && [ -e disk2/retrain.2.mdb ] && [ -e disk0/retrain.mdb ]
run $three last && expect 'again' 100 0
run 10.77.0.10,10.77.0.2,10.77.0.1 last && expect 'the ranks changed places' 100 0
mv photos/red/0001.jpg photos/red/renamed.jpg && mv photos/red/0003.jpg photos/green/moved.jpg
run $three other
grep -q '"cached": 100, "computed": 0' other.json || { grep bottlenecks other.json; exit 1; }
echo 'photos renamed and moved: none computed'
