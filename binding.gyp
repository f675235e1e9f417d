{
  "target_defaults": {
    "cflags_cc": ["-std=c++20", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-fno-exceptions"],
    "include_dirs": ["native"]
  },
  "variables": {
    "core_sources": [
      "native/core/shared_memory.cc",
      "native/core/memory_budget.cc",
      "native/core/robust_mutex.cc",
      "native/core/process_identity.cc",
      "native/core/ledger.cc",
      "native/core/descriptors.cc",
      "native/core/parcel.cc",
      "native/core/ring.cc",
      "native/core/ring_memory.cc",
      "native/core/shared_block.cc",
      "native/core/mapping.cc",
      "native/core/named_file.cc"
    ]
  },
  "targets": [
    {
      "target_name": "forkful",
      "sources": [
        "<@(core_sources)",
        "native/core/process.cc",
        "native/core/fork.cc",
        "native/core/forkserver.cc",
        "native/core/probe.cc",
        "native/addon/addon.cc",
        "native/addon/block_object.cc",
        "native/addon/convert.cc",
        "native/addon/fork.cc",
        "native/addon/fork_here.cc",
        "native/addon/inherited_input.cc",
        "native/addon/mapping_object.cc",
        "native/addon/messages.cc",
        "native/addon/named.cc",
        "native/addon/ring_object.cc",
        "native/addon/reactor_object.cc",
        "native/addon/system.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9"]
    },
    {
      "target_name": "native_tests",
      "type": "executable",
      "sources": [
        "<@(core_sources)",
        "native/core/process.cc",
        "native/core/probe.cc",
        "native/test/deny.cc",
        "native/test/ring_test.cc",
        "native/test/block_test.cc",
        "native/test/fault_test.cc",
        "native/test/mapping_test.cc",
        "native/test/hostile.cc",
        "native/test/ledger_test.cc",
        "native/test/named_test.cc",
        "native/test/parcel_test.cc",
        "native/test/storm_test.cc",
        "native/test/stress.cc"
      ],
      "defines": ["FORKFUL_FAULT_POINTS"],
      "libraries": ["-lpthread"]
    }
  ]
}
