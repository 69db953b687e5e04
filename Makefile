# vanpool: one file, no recursion. `make help` prints what it can do.
# A variant is a folder of objects: release (default), asan, tsan; they live side by side in build/.
VARIANT ?= release
OUT     := build/$(VARIANT)
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
ifeq ($(VARIANT),tsan)
CC      := clang
endif
LINE    ?= readline
# `make V=1` shows whole command lines.
Q       := $(if $(V),,@)

VERSION := 0.1.0
PC      := $(if $(shell command -v pkg-config),pkg-config --silence-errors,false)
LIBS_LINE_readline := -lreadline
LIBS_LINE_edit     := -ledit
PKGS     = ncursesw jansson libcmark inih
# The GPU's tests have a stand-in for Check where there is none; `make CHECK= check-gpu` takes it anyway.
CHECK   := $(shell $(PC) --exists check && echo check)
# Pictures (export as SVG and PNG) where cairo is there; `make CAIRO=` builds without.
CAIRO   := $(shell $(PC) --exists cairo cairo-svg && echo cairo)

CPPFLAGS += -I. -D_GNU_SOURCE -DVANPOOL_VERSION='"$(VERSION)"' $(shell $(PC) --cflags $(PKGS)) $(CPPFLAGS_$(LINE))
CPPFLAGS_edit := -DLINE_EDIT
CFLAGS   += -std=gnu11 -Wall -Wextra -Werror -pthread -fno-math-errno -fno-trapping-math -fPIE \
            -fstack-protector-strong -fstack-clash-protection -fcf-protection -ffile-prefix-map=$(CURDIR)=.
CFLAGS_release := -O2 -g -D_FORTIFY_SOURCE=2
CFLAGS_asan    := -O2 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan    := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
LDFLAGS  += -pie -Wl,-z,relro,-z,now -pthread
LDLIBS   := $(shell $(PC) --libs $(PKGS) || echo -lncursesw -ltinfo -ljansson -lcmark -linih) $(LIBS_LINE_$(LINE)) \
            $(if $(CAIRO),-lcairo) -lm
$(OUT)/tui/export/%.o: CPPFLAGS += $(if $(CAIRO),-DVANPOOL_CAIRO $(shell $(PC) --cflags cairo))

# The cpu backend's ops are compiled once per SIMD level; backend.c picks at start.
CPU_ONCE       := kernels/cpu/backend.c kernels/cpu/pool.c
LEVELS         := sse2 avx2 avx512
SIMD_sse2      := -msse2
SIMD_avx2      := -mavx2 -mfma
SIMD_avx512    := -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512
CPU_OPS        := $(filter-out $(CPU_ONCE),$(wildcard kernels/cpu/*.c))

obj      = $(patsubst %.c,$(OUT)/%.o,$(1))
KERNELS := $(call obj,$(wildcard kernels/*.c kernels/ref/*.c) $(CPU_ONCE)) \
           $(foreach l,$(LEVELS),$(patsubst %.c,$(OUT)/%.$(l).o,$(CPU_OPS)))
CORE    := $(call obj,$(wildcard core/*/*.c)) $(OUT)/packed.o
TUI     := $(call obj,$(filter-out tui/main.c,$(wildcard tui/*/*.c)))
T_KERNELS := $(call obj,$(wildcard tests/kernels/*.c))
T_CORE    := $(call obj,$(wildcard tests/core/*.c))
T_TUI     := $(call obj,$(wildcard tests/tui/*.c))
T_PTY     := $(call obj,$(wildcard tests/pty/*.c))

.PHONY: all
all: vanpool                 ## build the program (./vanpool is the release build)

vanpool: $(OUT)/vanpool
	@ln -sf $< $@
$(OUT)/vanpool: $(OUT)/tui/main.o $(TUI) $(CORE) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# One runner a layer: each links only what that layer may see.
$(OUT)/check-kernels: $(OUT)/tests/main.o $(T_KERNELS) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell $(PC) --libs check)
$(OUT)/check-core: $(OUT)/tests/main.o $(T_CORE) $(CORE) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS) $(shell $(PC) --libs check)
# Its allocations pass through the tests, which let them fail (memory_test.c).
WRAP_TUI := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
$(OUT)/check-tui: $(OUT)/tests/main.o $(T_TUI) $(TUI) $(CORE) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(WRAP_TUI) $(LDLIBS) $(shell $(PC) --libs check)

# The whole program in a terminal of the test's own (VANPOOL names it); not among the quick runners.
$(OUT)/check-pty: $(OUT)/tests/main.o $(T_PTY) $(TUI) $(CORE) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lutil $(shell $(PC) --libs check)

# The cuda backend is a module of its own, opened where there is a GPU. nvcc builds it; g++ and the
# emulator in tests/emu build it for a test, as $(OUT)/emu/vanpool-cuda.so.
NVCC   ?= $(or $(shell command -v nvcc),$(wildcard /usr/local/cuda/bin/nvcc),nvcc)
CUDA_AT := $(patsubst %/bin/nvcc,%,$(shell command -v $(NVCC) 2>/dev/null))
CUDA_CU := $(wildcard kernels/cuda/*.cu)
CUDA_C  := $(wildcard kernels/cuda/*.c)
CUDA_O  := $(call obj,$(CUDA_C)) $(patsubst %.cu,$(OUT)/%.o,$(CUDA_CU))
CUDA_GENCODE := $(foreach c,75 80 90,-gencode arch=compute_$(c),code=sm_$(c)) \
                -gencode arch=compute_90,code=compute_90
.PHONY: cuda
cuda:                        ## the GPU's module, beside the program (needs nvcc)
ifeq ($(CUDA_AT),)
	@echo 'no nvcc: the program is built without its GPU module, and runs on the CPU'
else
	@$(MAKE) --no-print-directory $(OUT)/vanpool-cuda.so
endif
$(OUT)/vanpool-cuda.so: $(CUDA_O)
	$(if $(V),,@echo '  link $@')
	$(Q)$(NVCC) -shared -o $@ $^ -lcublas -Xlinker -rpath,$(CUDA_AT)/lib64
$(OUT)/kernels/cuda/%.o: kernels/cuda/%.cu
	@mkdir -p $(@D)
	$(if $(V),,@echo '  nvcc $<')
	$(Q)$(NVCC) -std=c++20 --extended-lambda -O3 $(CUDA_GENCODE) -I. -MD -MP \
	  -Xcompiler -fPIC,-Wall,-Wextra -Werror all-warnings -c -o $@ $<
$(call obj,$(CUDA_C)): CPPFLAGS += -isystem $(CUDA_AT)/include
$(call obj,$(CUDA_C)): CFLAGS += -fPIC

EMU     := $(OUT)/emu
EMU_O   := $(patsubst %.c,$(EMU)/%.o,$(CUDA_C)) $(patsubst %.cu,$(EMU)/%.o,$(CUDA_CU)) \
           $(patsubst %.cpp,$(EMU)/%.o,$(wildcard tests/emu/*.cpp))
CXX_EMU  = g++ -x c++ -std=gnu++20 -O2 -g -fPIC -pthread -Wall -Wextra -Werror -Wno-clobbered -I. \
           -Itests/emu -MMD -MP
$(EMU)/vanpool-cuda.so: $(EMU_O)
	$(if $(V),,@echo '  link $@')
	$(Q)g++ -shared -pthread -o $@ $^
$(EMU)/%.o: %.cu
	@mkdir -p $(@D)
	$(if $(V),,@echo '  g++  $< (emulated)')
	$(Q)$(CXX_EMU) -c -o $@ $<
$(EMU)/%.o: %.cpp
	@mkdir -p $(@D)
	$(if $(V),,@echo '  g++  $<')
	$(Q)$(CXX_EMU) -c -o $@ $<
$(EMU)/kernels/cuda/%.o: kernels/cuda/%.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  cc   $< (emulated)')
	$(Q)$(CC) $(CPPFLAGS) -Itests/emu $(CFLAGS) $(CFLAGS_$(VARIANT)) -fPIC -MMD -MP -c -o $@ $<
# The driver's library of meters: one as it should be, one that lacks some.
EMU_NVML := $(EMU)/libnvidia-ml.so.1 $(EMU)/libnvidia-ml-short.so.1
$(EMU_NVML): tests/emu/nvml.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  cc   $< (emulated)')
	$(Q)$(CC) -Wall -Wextra -Werror -fPIC -shared $(if $(findstring short,$@),-DNVML_SHORT) -o $@ $<
# The tests of kernels once more, with the cuda backend for the cpu's levels.
EMU_T   := $(patsubst %.c,$(EMU)/%.o,tests/main.c $(filter-out tests/kernels/pool.c,$(wildcard tests/kernels/*.c)) \
             $(if $(CHECK),,tests/gpu/bare/check.c))
$(EMU)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  cc   $< (cuda)')
	$(Q)$(CC) $(CPPFLAGS) -DRIG_CUDA $(if $(CHECK),,-Itests/gpu/bare) $(CFLAGS) $(CFLAGS_$(VARIANT)) -MMD -MP -c -o $@ $<
$(OUT)/check-cuda: $(EMU_T) $(KERNELS)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(if $(CHECK),$(shell $(PC) --libs check)) -lm
# The emulator's own guards.
$(OUT)/check-planted: $(OUT)/tests/main.o $(EMU)/tests/emu/emu.o $(EMU)/tests/emu/api.o $(EMU)/tests/emu/planted/planted.o
	$(if $(V),,@echo '  link $@')
	$(Q)g++ -pthread -o $@ $^ $(shell $(PC) --libs check)
# Trainings and times: no library but C's, as the machine may have no other; so of core what trains, and not what
# reads and writes JSON (tests/gpu/bare.sh finds what else may not be here).
TRAINS  := $(filter-out $(addprefix core/,metrics/trace.c model/checkpoint.c model/diff.c model/inspect.c \
             router/route_%.c train/save.c train/recording.c), \
             $(foreach f,balance base data metrics model router train,$(wildcard core/$(f)/*.c)))
$(OUT)/trains.a: $(call obj,$(TRAINS)) $(KERNELS)
	@rm -f $@ && $(AR) qcs $@ $^
$(OUT)/check-gpu: $(call obj,$(wildcard tests/gpu/*.c)) $(OUT)/trains.a
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ -lm
$(OUT)/cublas-rate: $(OUT)/tests/gpu/cublas/rate.o
	$(if $(V),,@echo '  link $@')
	$(Q)$(NVCC) -o $@ $^ -lcublas -Xlinker -rpath,$(CUDA_AT)/lib64
$(OUT)/tests/gpu/cublas/rate.o: CPPFLAGS += -isystem $(CUDA_AT)/include
.PHONY: check-emu check-gpu
# STAGES: those of tests/gpu/run.sh; all of them where it is empty.
check-gpu:                   ## where there is a GPU: ops and trainings against ref, sanitizers, a table of times
	@$(MAKE) --no-print-directory -j$$(nproc) cuda $(OUT)/check-cuda $(OUT)/check-gpu $(if $(CUDA_AT),$(OUT)/cublas-rate)
	@bash tests/gpu/run.sh $(OUT) $(STAGES)
check-emu: vanpool           ## the GPU's kernels, run on the CPU by an emulator, against ref
	@$(MAKE) --no-print-directory -j$$(nproc) $(OUT)/check-planted $(OUT)/check-cuda $(OUT)/check-gpu $(OUT)/check-core \
	  $(EMU)/vanpool-cuda.so $(EMU_NVML)
	@bash tests/emu/run.sh $(OUT)

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(V),,@echo '  cc   $<')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(VARIANT)) -MMD -MP -c -o $@ $<
# Lessons and scenarios travel inside the program; a file that comes or goes changes the list.
PACKED := $(sort $(filter-out %/README.md,$(wildcard lessons/*.md lessons/scenarios/*.van)))
LISTED := $(file < $(OUT)/packed.list)
$(OUT)/packed.list: $(if $(filter-out $(LISTED),$(PACKED))$(filter-out $(PACKED),$(LISTED)),FORCE)
	@mkdir -p $(@D)
	@echo $(PACKED) > $@
$(OUT)/packed.c: core/script/pack.sh $(OUT)/packed.list $(PACKED)
	@sh $< $(PACKED) > $@.new && mv $@.new $@
$(OUT)/packed.o: $(OUT)/packed.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_$(VARIANT)) -MMD -MP -c -o $@ $<
.PHONY: FORCE
define level_rule
$(OUT)/kernels/cpu/%.$(1).o: kernels/cpu/%.c
	@mkdir -p $$(@D)
	$$(if $$(V),,@echo '  cc   $$< ($(1))')
	$$(Q)$$(CC) $$(CPPFLAGS) $$(CFLAGS) $$(CFLAGS_$$(VARIANT)) $$(OPT_CPU) $$(SIMD_$(1)) -DKN_LEVEL=$(1) -MMD -MP -c -o $$@ $$<
endef
OPT_CPU = $(if $(filter release,$(VARIANT)),-O3)
$(foreach l,$(LEVELS),$(eval $(call level_rule,$(l))))

# Programs that measure; each prints a table. `make bench` builds them and says what there is.
BENCHES := $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(wildcard tests/bench/*.c))
$(OUT)/bench/step_clock: $(CORE)
$(OUT)/bench/%: $(OUT)/tests/bench/%.o $(KERNELS)
	@mkdir -p $(@D)
	$(if $(V),,@echo '  link $@')
	$(Q)$(CC) $(CFLAGS_$(VARIANT)) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lutil
.PHONY: bench
bench: vanpool $(BENCHES)    ## build what measures, and run the program's own table
	@echo "also: $(BENCHES) $(wildcard tests/bench/*.sh)"
	./vanpool bench

# ---- set-up: Debian installs what is missing by itself, elsewhere we say what is needed ----
NEED_PLAY := gcc pkg-config libncurses-dev libreadline-dev libjansson-dev libcmark-dev libinih-dev libcairo2-dev
NEED_TEST := $(NEED_PLAY) g++ check clang libclang-rt-dev clang-format tmux jq procps mandoc
.PHONY: deps deps-test play
deps:                        ## install what building needs (Debian; else prints it)
	@sh tests/install.sh $(NEED_PLAY)
deps-test:
	@sh tests/install.sh $(NEED_TEST)
play: deps                   ## install, build, and open the explorer
	@$(MAKE) --no-print-directory -j$$(nproc) vanpool
	@./vanpool

.PHONY: runners check test format asan tsan
runners: vanpool $(OUT)/check-kernels $(OUT)/check-core $(OUT)/check-tui
check:                       ## the quick part of the tests, under a minute
	@$(MAKE) --no-print-directory -j$$(nproc) runners
	@bash tests/run.sh check
test: deps-test              ## install what the tests need and run all of them
	@bash tests/run.sh test
asan tsan:                   ## the same objects under a sanitizer, in build/asan and build/tsan
	@$(MAKE) --no-print-directory -j$$(nproc) VARIANT=$@ build/$@/vanpool build/$@/check-kernels build/$@/check-core build/$@/check-tui
format:                      ## lay out all sources as .clang-format says
	clang-format -i $$(git ls-files '*.c' '*.h' '*.cu' '*.cpp')

# ---- installing: what there is beside the program is written by the program itself ----
PREFIX  ?= /usr/local
ZSH_DIR ?= share/zsh/site-functions
INSTALL := $(DESTDIR)$(PREFIX)
LESSONS := $(wildcard lessons/*.md lessons/*/*)
PAGES   := $(OUT)/share/vanpool.1 $(OUT)/share/vanpool.bash $(OUT)/share/_vanpool $(OUT)/share/vanpool.fish
$(OUT)/share/vanpool.1:    ARGS = --man
$(OUT)/share/vanpool.bash: ARGS = --completion bash
$(OUT)/share/_vanpool:     ARGS = --completion zsh
$(OUT)/share/vanpool.fish: ARGS = --completion fish
$(PAGES): $(OUT)/vanpool
	@mkdir -p $(@D)
	$(if $(V),,@echo '  gen  $@')
	$(Q)$(OUT)/vanpool help $(ARGS) >$@.new && mv $@.new $@
INSTALLED = bin/vanpool share/man/man1/vanpool.1 share/bash-completion/completions/vanpool \
            $(ZSH_DIR)/_vanpool share/fish/vendor_completions.d/vanpool.fish \
            share/doc/vanpool/README.md share/doc/vanpool/copyright lib/vanpool/vanpool-cuda.so
.PHONY: install uninstall deb
install: vanpool $(PAGES)    ## install program, manual page, completions, lessons (DESTDIR, PREFIX)
	install -D -m 755 $(OUT)/vanpool $(INSTALL)/bin/vanpool
	install -D -m 644 $(OUT)/share/vanpool.1 $(INSTALL)/share/man/man1/vanpool.1
	install -D -m 644 $(OUT)/share/vanpool.bash $(INSTALL)/share/bash-completion/completions/vanpool
	install -D -m 644 $(OUT)/share/_vanpool $(INSTALL)/$(ZSH_DIR)/_vanpool
	install -D -m 644 $(OUT)/share/vanpool.fish $(INSTALL)/share/fish/vendor_completions.d/vanpool.fish
	install -D -m 644 README.md $(INSTALL)/share/doc/vanpool/README.md
	install -D -m 644 LICENSE $(INSTALL)/share/doc/vanpool/copyright
	@for f in $(LESSONS); do install -D -m 644 $$f $(INSTALL)/share/vanpool/$$f || exit 1; done
	@! [ -e $(OUT)/vanpool-cuda.so ] || install -D -m 644 $(OUT)/vanpool-cuda.so $(INSTALL)/lib/vanpool/vanpool-cuda.so
uninstall:                   ## remove what install put there (the same DESTDIR, PREFIX)
	rm -f $(addprefix $(INSTALL)/,$(INSTALLED)) $(addprefix $(INSTALL)/share/vanpool/,$(LESSONS))
	@for d in share/vanpool/lessons/scenarios share/vanpool/lessons share/vanpool share/doc/vanpool lib/vanpool; do \
	    rmdir $(INSTALL)/$$d 2>/dev/null || true; done
deb: vanpool $(PAGES)        ## a Debian package of it, in build/
	@bash packaging/deb.sh $(VERSION) build

.PHONY: corpora
corpora:                     ## real texts to train on, out of Debian packages, into ~/.cache/vanpool
	@bash datasets/corpora.sh

.PHONY: layers
layers:                      ## includes may only point down: kernels <- core <- tui
	@! grep -rnE '#include "(core|tui|tests)/' kernels
	@! grep -rnE '#include "(tui|tests)/' core
	@! grep -rnE '#include "tests/' tui
	@! grep -rnE '#include <(pthread|stdatomic)' core tui | grep -vE '^core/session/'
	@! grep -rnE '#include <(ncurses|curses)' core kernels tui --include=*.c --include=*.h | grep -v '^tui/screen/terminal\.c:'

.PHONY: clean help
clean:                       ## remove what was built
	rm -rf build vanpool
help:                        ## this list
	@grep -hE '^[a-z -]+:.*##' Makefile | sed -E 's/:.*## */\t/' | expand -t 16

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
