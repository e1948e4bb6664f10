# Names for the scripts; they do the work and need no make.
.PHONY: run setup test lock

run:
	./run

setup:
	./run --setup

test:
	./test

# Newer versions within the ranges of requirements/*.in. Needs uv.
COMPILE = uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

lock:
	$(COMPILE) requirements/runtime.in requirements/build.in -o requirements/runtime.txt
	$(COMPILE) requirements/dev.in requirements/build.in -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILE) requirements/compare.in -c requirements/runtime.txt -o requirements/compare.txt
	# Mailman does not install on every Python that this project runs on.
	$(filter-out --universal,$(COMPILE)) requirements/mailman.in -o requirements/mailman.txt
