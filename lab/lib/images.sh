# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154  # the parts share names; script/lab reads them all
# The programs and container images of the seed case, kept in the cache under a hash of their sources.

# ensure_images: sets `images`, a folder with lab-echo and root file systems for `docker import`: echo.tar, mail.tar, and for the shop
# (a Compose project, beside docker-compose.yml) postgres.tar and rows.tar.
ensure_images() {
    images=$cache/images-$(hash_of "$lab_dir/images/echo/echo.c" "$lab_dir"/images/postfix/* "$lab_dir"/images/shop/* \
        "$lab_dir/lib/images.sh" "$lab_dir/build-base" "$lab_dir/base.packages")
    [ -e "$images/complete" ] && touch "$images" && return 0
    say 'building the container images (once)'
    _work=$cache/.images-$LAB_ID
    rm -rf --one-file-system "$_work"
    mkdir -p "$_work/echo"
    gcc -O2 -Wall -static -o "$_work/lab-echo" "$lab_dir/images/echo/echo.c"
    cp "$_work/lab-echo" "$_work/echo/"
    tar -C "$_work/echo" --owner=0 --group=0 -cf "$_work/echo.tar" .
    rm -rf --one-file-system "$_work/echo"
    build_mail "$_work" "$base/mail"
    build_shop "$_work"
    : >"$_work/complete"
    # Whoever finishes first wins; the other's result is the same.
    mv -T "$_work" "$images" 2>/dev/null || rm -rf --one-file-system "$_work"
}

# build_mail WORK FILES: Postfix's files, our configuration, and the volume's content as it is at first start.
build_mail() {
    cp -a "$2" "$1/mail"
    gcc -O2 -Wall -static -o "$1/mail/sbin/mail-init" "$lab_dir/images/postfix/init.c"
    cp "$lab_dir/images/postfix/main.cf" "$lab_dir/images/postfix/master.cf" "$1/mail/etc/postfix/"
    echo 'vmail:x:5000:5000::/srv/mail/boxes:/bin/false' >>"$1/mail/etc/passwd"
    _postfix=$(awk -F: '$1 == "postfix" { print $3 }' "$1/mail/etc/passwd")
    _postdrop=$(awk -F: '$1 == "postdrop" { print $3 }' "$1/mail/etc/group")
    _queue=$1/mail/srv/mail/queue
    mkdir -p "$_queue/pid" "$1/mail/srv/mail/boxes/inbox" "$1/mail/var/lib/postfix"
    # Owners and modes are those of Postfix's own postfix-files.
    for _folder in active bounce corrupt defer deferred flush hold incoming private saved trace; do
        mkdir -m 700 "$_queue/$_folder"
        chown "$_postfix" "$_queue/$_folder"
    done
    mkdir "$_queue/maildrop" "$_queue/public"
    chown "$_postfix:$_postdrop" "$_queue/maildrop" "$_queue/public"
    chmod 1730 "$_queue/maildrop"
    chmod 2710 "$_queue/public"
    chown "$_postfix" "$1/mail/var/lib/postfix"
    chgrp "$_postdrop" "$1/mail/usr/sbin/postqueue"
    chmod 2755 "$1/mail/usr/sbin/postqueue"
    chown -R 5000:5000 "$1/mail/srv/mail/boxes"
    tar -C "$1/mail" --numeric-owner -cf "$1/mail.tar" .
    rm -rf --one-file-system "$1/mail"
}

# build_shop WORK: the web program and its database, each with its first process.
build_shop() {
    cp "$lab_dir/images/shop/docker-compose.yml" "$1/"
    cp -a "$base/postgres" "$1/postgres"
    cp "$lab_dir/images/shop/postgres-init" "$1/postgres/usr/sbin/"
    chmod 755 "$1/postgres/usr/sbin/postgres-init"
    # A volume made from this folder gets its owner; PostgreSQL refuses root and folders that others may read.
    mkdir -p "$1/postgres/var/lib"
    mkdir -m 700 "$1/postgres/var/lib/postgresql"
    chmod 1777 "$1/postgres/tmp"
    chown "$(awk -F: '$1 == "postgres" { print $3 ":" $4 }' "$1/postgres/etc/passwd")" "$1/postgres/var/lib/postgresql"
    cp -a "$base/rows" "$1/rows"
    mkdir -p "$1/rows/srv"
    cp "$lab_dir/images/shop/rows.py" "$1/rows/srv/"
    chmod 644 "$1/rows/srv/rows.py"
    for _image in postgres rows; do
        tar -C "$1/$_image" --numeric-owner -cf "$1/$_image.tar" .
        rm -rf --one-file-system "$1/$_image"
    done
}
