# What `check` makes of a unit's files is what the running systemd makes of them, name by name: of units that are
# written to have every fault, and of every unit of the packages here that has a filter.
. /payload/lib.sh
installed
folder=/etc/systemd/system

# As systemd has them, a block a unit, in one question for all.
theirs() {
    systemctl show --property SystemCallFilter,SystemCallLog,SystemCallArchitectures,SystemCallErrorNumber "$@" | awk -v units="$*" '
        function block(at) {
            print "== " unit[++done]
            for (at = 1; at <= 4; at++) print name[at] "=" value[name[at]]
            split("", value)
        }
        BEGIN {
            split("SystemCallFilter SystemCallLog SystemCallArchitectures SystemCallErrorNumber", name, " ")
            split(units, unit, " ")
        }
        /^$/ { block(); next }
        { at = index($0, "="); value[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END { block() }'
}
# As check reads them, in the same form. A list that is not in force denies nothing, which systemd shows as ~.
ours() {
    local unit
    for unit in "$@"; do
        # 1 is a finding, and most of these have one.
        $recorder check "$unit" --json > check.json 2> check.err || test $? = 1 || fail "check of $unit: $(cat check.err)" >&2
        awk -v unit="$unit" '
            BEGIN { print "== " unit }
            function opened(rest) {
                list = ""
                if (rest == "[") reading = 1; else print setting "=" sign
            }
            /^  "filter": / { setting = "SystemCallFilter" }
            /^  "log": / { setting = "SystemCallLog" }
            /^    "mode": / { sign = /allow/ ? "" : "~" }
            /^    "entries": / { opened($2); next }
            /^  "architectures": / { setting = "SystemCallArchitectures"; sign = ""; opened($2); next }
            /^  "error_number": / { gsub(/[",]/, "", $2); print "SystemCallErrorNumber=" $2 }
            reading && /^ *\]/ { print setting "=" sign list; reading = 0 }
            reading { gsub(/[ ",]/, ""); list = list (list == "" ? "" : " ") $0 }' check.json
    done
}
# Both say the same in several ways: an error by its name or its number, the machine's own architecture, any order.
plain() {
    perl -MErrno -lne '
        if (/^==/) { print; next }
        my ($name, $sign, $list) = /^(\w+)=(~?)(.*)/;
        my %words = map { $_ => 1 } map {
            $name eq "SystemCallArchitectures" && $_ eq "native" ? "x86-64"
            : $name ne "SystemCallErrorNumber" ? $_
            : $_ eq "2147483646" ? "kill"
            : Errno->can($_) ? Errno->can($_)->() : $_
        } split " ", $list;
        print "$name=$sign", join " ", sort keys %words'
}
agree() {
    theirs "$@" | plain > theirs
    ours "$@" | plain > ours
    test "$(grep -c '^==' theirs)" = $# || fail "systemctl shows $(grep -c '^==' theirs) of $# units"
    same theirs ours
}

step "units that are written to have every fault"
awk -v folder=$folder '
    /^==== / { unit = "filters-" $2 ".service"; file = folder "/" unit; print unit > "written"; next }
    /^---- / { drop_ins = folder "/" unit ".d"; system("mkdir -p " drop_ins); file = drop_ins "/" $2 ".conf"; next }
    file { print > file }
' /payload/fixtures/filters.txt
systemctl daemon-reload
mapfile -t written < written
test ${#written[@]} -gt 60 || fail "only ${#written[@]} units"
agree "${written[@]}"
# What is compared is there: some of each kind, and not the same everywhere.
for setting in SystemCallFilter=~. SystemCallFilter=a 'SystemCallLog=[a-z]' SystemCallArchitectures=. 'SystemCallErrorNumber=[1-9]'; do
    grep -q "^$setting" ours || fail "no unit has a $setting"
done

step "every unit of the packages that has a filter"
# A template by an instance of it.
mapfile -t packaged < <(grep -ls '^SystemCall' /usr/lib/systemd/system/*.service | xargs -n 1 basename | sed 's/@\.service$/@x.service/')
test ${#packaged[@]} -gt 15 || fail "only ${#packaged[@]} units of packages"
agree "${packaged[@]}"
printf '%s units of this test and %s of the packages: the same to the name\n' ${#written[@]} ${#packaged[@]}

step "without D-Bus the files are found in systemd's folders"
unit=filters-drop-in-order.service
$recorder check $unit --json > with.json || test $? = 1
unshare --mount sh -c "mount -t tmpfs none /run/dbus && $recorder check $unit --json > without.json 2> without.err || test \$? = 1"
grep -q 'cannot reach systemd' without.err || fail "D-Bus was reached: $(cat without.err)"
same with.json without.json

step "the sets that are built in are this systemd's"
version=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')
of_set() { $recorder check filters-every-set.service "$@" --json > of-set.json || test $? = 1; sed '/"target"/d' of-set.json; }
of_set > host.json
of_set --target "systemd=$version" > built-in.json
same host.json built-in.json

sed "s|^|$folder/|" written | xargs rm
rm -r $folder/filters-*.d
systemctl daemon-reload
