# shellcheck shell=sh
# The programs and container images of the seed case, kept in the cache under a hash of their sources.

# ensure_images: sets `images`, a folder with lab-echo, echo.tar and mail.tar (root file systems for `docker import`).
ensure_images() {
    images=$cache/images-$(hash_of "$lab_dir/images/echo/echo.c" "$lab_dir"/images/postfix/* "$lab_dir/lib/images.sh" \
        "$lab_dir/lib/base.sh" "$lab_dir/base.packages")
    [ -e "$images/complete" ] && return 0
    say 'building the container images (once)'
    _work=$cache/.images-$LAB_ID
    rm -rf "$_work"
    mkdir -p "$_work/echo"
    gcc -O2 -Wall -static -o "$_work/lab-echo" "$lab_dir/images/echo/echo.c"
    cp "$_work/lab-echo" "$_work/echo/"
    tar -C "$_work/echo" --owner=0 --group=0 -cf "$_work/echo.tar" .
    rm -rf "$_work/echo"
    : >"$_work/complete"
    # Whoever finishes first wins; the other's result is the same.
    mv -T "$_work" "$images" 2>/dev/null || rm -rf "$_work"
}
